// See stall_advisor.hpp.
#include "stall_advisor.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "await_chain.hpp"
#include "loop.hpp"
#include "signals_blocked.hpp"
#include "thread_name.hpp"
#include "warn.hpp"
#include "weft/log.hpp"

namespace weft::inline v0::detail {

namespace {

using namespace std::chrono_literals;

// A stall that lasts is reported before its end; and no more often are others.
constexpr std::int64_t patience = std::chrono::nanoseconds(1s).count();
constexpr std::int64_t between_reports = patience;

bool is_root(chain const& of) noexcept { return &of.own == loop::of(*of.loop).root_scope; }

}  // namespace

std::unique_ptr<stall_advisor> stall_advisor::start(loop_core& watched,
                                                    std::chrono::nanoseconds threshold) {
  if (threshold <= 0ns) return nullptr;
  try {
    return std::make_unique<stall_advisor>(watched, threshold);
  } catch (std::exception const& refused) {
    warn("weft: stalls of the loop will not be noticed, for want of a thread: {}", refused.what());
    return nullptr;
  }
}

stall_advisor::stall_advisor(loop_core& watched, std::chrono::nanoseconds threshold)
    : loop_(watched),
      threshold_(threshold.count()),
      period_(std::max<std::chrono::nanoseconds>(threshold / 5, 1ms)),
      thread_id_(::gettid()),
      looked_(monotonic_now()),
      last_report_(looked_ - between_reports) {
  ::pthread_getcpuclockid(::pthread_self(), &processor_clock_);
  signals_blocked const blocked;
  thread_ = std::thread([this] { watch(); });
  name_thread(thread_.native_handle(), "weft-stall");
}

stall_advisor::~stall_advisor() {
  {
    std::lock_guard const lock(mutex_);
    ends_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

// ---- On the thread of the loop.

int stall_advisor::run_ready(int most) noexcept {
  loop_core& home = loop_;
  std::uint64_t number = last_;
  int left = most;
  for (; left != 0 && !home.ready.empty(); --left) {
    number += 2;
    running_.store(number, std::memory_order_relaxed);
    home.resume_one();
    if (asked_.load(std::memory_order_relaxed) == number) [[unlikely]]
      hand_over(home.current, {});
    if (home.ended != nullptr) [[unlikely]]
      end_one(number | ending);
  }
  running_.store(0, std::memory_order_relaxed);
  home.current = nullptr;
  last_ = number;
  return most - left;
}

void stall_advisor::end_one(std::uint64_t number) noexcept {
  auto const spawned_at = loop_.ended->spawned_at;
  running_.store(number, std::memory_order_relaxed);
  loop_.end_one();
  if (asked_.load(std::memory_order_relaxed) == number) hand_over(nullptr, spawned_at);
}

void stall_advisor::take_sample() noexcept {
  // The stall may have ended before the signal came. Acquire pairs with the release in
  // look_for_stall(): the sample before this one has been read.
  std::uint64_t const running = running_.load(std::memory_order_relaxed);
  if (running == 0 || asked_.load(std::memory_order_acquire) != running ||
      sampled_.load(std::memory_order_relaxed) == running)
    return;
  sample_.take_stack();
  sample_.tick_began = loop_.now;
  chain const* const held = (running & ending) == 0 ? loop_.current : nullptr;
  sample_.has_chain = held != nullptr;
  sample_.name[0] = '\0';
  if (held != nullptr) {
    sample_.is_root = is_root(*held);
    sample_.spawned_at = held->spawned_at;
    if (held->extras) {
      std::string const& name = held->extras->name;
      auto const length = std::min(name.size(), sample_.name.size() - 1);
      *std::copy_n(name.data(), length, sample_.name.data()) = '\0';
    }
  }
  // Release pairs with the acquire in sample().
  sampled_.store(running, std::memory_order_release);
}

// `held` is there, running or having just ended; null for what is no chain's, or a chain's end.
void stall_advisor::hand_over(chain const* held, std::source_location spawned_at) noexcept {
  stall_end end{.chain = std::nullopt,
                .tick_began = loop_.now,
                .at = monotonic_now(),
                .by_then = thread_times::of(thread_id_, processor_clock_)};
  try {
    if (held != nullptr)
      end.chain = {.name = held->name_or(is_root(*held) ? "root" : "task"),
                   .spawned_at = held->spawned_at,
                   .awaits = awaits_of(*held)};
    else if (spawned_at.line() != 0)
      end.chain = {.name = {}, .spawned_at = spawned_at, .awaits = {}};
  } catch (std::bad_alloc const&) {
    // There is no memory to say more.
  }
  {
    std::lock_guard const lock(mutex_);
    handed_over_ = std::move(end);
  }
  changed_.notify_one();
}

// ---- On the thread of the advisor.

void stall_advisor::watch() noexcept {
  std::unique_lock lock(mutex_);
  for (bool last = false; !last;) {
    last = changed_.wait_for(lock, period_, [this] { return ends_ || handed_over_; }) && ends_;
    try {
      look(lock);
    } catch (std::exception const& error) {
      warn("weft: a task held the loop, and no report can be made: {}", error.what());
      if (!lock.owns_lock()) lock.lock();
      forget();
    }
  }
  if (left_out_.count == 0) return;
  try {
    warn("weft: {} (a report a second)", to_text(left_out_));
  } catch (std::bad_alloc const&) {
    // There is no memory to say it.
  }
}

void stall_advisor::look(std::unique_lock<std::mutex>& lock) {
  moment const now = monotonic_now();
  std::uint64_t const asked = asked_.load(std::memory_order_relaxed);
  if (handed_over_) {
    report_end(lock);
    forget();
  } else if (asked == 0) {
    look_for_stall(now);
  } else if (running_.load(std::memory_order_relaxed) != asked) {
    forget();  // It ended as it was asked for. Had it seen that, it would have handed over first.
  } else if (!told_going_on_ && now - first_seen_ >= patience) {
    report_going_on(lock, now);
  }
  looked_ = now;
}

void stall_advisor::look_for_stall(moment now) {
  std::uint64_t const running = running_.load(std::memory_order_relaxed);
  // Who has not run for so long himself (a stopped process, a busy machine) blames nobody, and
  // begins anew.
  bool const absent = now - looked_ >= 5 * period_.count();
  bool const another = running == 0 || running != seen_;
  if (another) before_ = looked_;
  if (another || absent) {
    seen_ = running;
    first_seen_ = now;
    if (running != 0) times_before_ = thread_times::of(thread_id_, processor_clock_);
  } else if (now - first_seen_ >= threshold_) {
    asked_.store(running, std::memory_order_release);
    stall_signal::send(thread_id_);
  }
}

// Reports a stall that is over, or counts it.
void stall_advisor::report_end(std::unique_lock<std::mutex>& lock) {
  stall_end end = *std::exchange(handed_over_, std::nullopt);
  auto seen = what_is_known(end.tick_began, end.at, end.by_then);
  seen.chain = std::move(end.chain);
  if (!told_going_on_ && end.at - last_report_ < between_reports) {
    ++left_out_.count;
    left_out_.longest = std::max(left_out_.longest, seen.held);
    return;
  }
  lock.unlock();
  if (told_going_on_)
    log(log_level::warning, end_to_text(seen));
  else
    report(seen);
  lock.lock();
}

// The loop may come to the end of the stall meanwhile, and hand over.
void stall_advisor::report_going_on(std::unique_lock<std::mutex>& lock, moment now) {
  if (now - last_report_ < between_reports) return;
  stack_sample const* const taken = sample();
  auto seen = what_is_known(taken != nullptr ? taken->tick_began : before_, now,
                            thread_times::of(thread_id_, processor_clock_));
  seen.goes_on = true;
  if (taken != nullptr && taken->has_chain) {
    std::string_view const name = taken->name.data();
    seen.chain = {.name = std::string(!name.empty()    ? name
                                      : taken->is_root ? "root"
                                                       : "task"),
                  .spawned_at = taken->spawned_at,
                  .awaits = {}};
  }
  told_going_on_ = true;
  lock.unlock();
  report(seen);
  lock.lock();
}

void stall_advisor::report(stall const& seen) {
  log(log_level::warning, to_text(seen, std::exchange(left_out_, {})));
  last_report_ = monotonic_now();
}

// The resume began after the tick did, and after the look that saw another; before the first look
// that saw it. The longest time that this leaves is told: a fifth of the threshold too long at
// most, unless the advisor was kept from looking, and others ran in the same tick meanwhile.
stall stall_advisor::what_is_known(moment tick_began, moment end, thread_times by_then) const {
  moment const began = std::clamp(tick_began, before_, first_seen_);
  auto const seen_for = static_cast<double>(std::max<moment>(end - first_seen_, 1));
  auto const part = [&](std::int64_t then, std::int64_t before) {
    return std::clamp(static_cast<double>(then - before) / seen_for, 0.0, 1.0);
  };
  bool const knows_queued = by_then.queued != 0 && times_before_.queued != 0;
  stack_sample const* const taken = sample();
  stall known{.chain = std::nullopt,
              .while_ending = (seen_ & ending) != 0,
              .held = std::chrono::nanoseconds(end - began),
              .threshold = std::chrono::nanoseconds(threshold_),
              .computed = part(by_then.computed, times_before_.computed),
              .queued = knows_queued ? part(by_then.queued, times_before_.queued) : 0,
              .stack = {}};
  if (taken != nullptr) known.stack.assign(taken->stack().begin(), taken->stack().end());
  return known;
}

// Of the resume that is asked for; null while there is none.
stack_sample const* stall_advisor::sample() const noexcept {
  auto const taken = sampled_.load(std::memory_order_acquire);
  return taken == asked_.load(std::memory_order_relaxed) ? &sample_ : nullptr;
}

void stall_advisor::forget() noexcept {
  asked_.store(0, std::memory_order_relaxed);
  seen_ = 0;
  told_going_on_ = false;
}

}  // namespace weft::inline v0::detail
