// The way of a job on the loop's side: to the desk, from there to its executor, and back.
#include "weft/detail/job.hpp"

#include <algorithm>
#include <utility>

#include "brief_pause.hpp"
#include "job_desk.hpp"
#include "loop.hpp"
#include "weft/error.hpp"
#include "weft/executor.hpp"

namespace weft::inline v0::detail {

namespace {

// So many are gathered at most: what comes first must not wait for long.
constexpr std::size_t gathered_max = 32;

}  // namespace

bool job::start() noexcept {
  result_ = executor_.admit();
  if (result_ < 0) return true;
  leave_home();
  loop::of(home()).jobs.add(*this);
  return false;
}

void job::cancel() noexcept {
  // Acquire pairs with the release in settle().
  if (current_phase() != phase::waiting || settled_.load(std::memory_order_acquire)) return;
  if (loop::of(home()).jobs.take_back(*this))
    executor_.forgo();
  else if (!executor_.withdraw(*this))
    return;
  complete(-ECANCELED);
}

chain_extras const& job::inherited() const noexcept {
  static chain_extras const none;
  auto const* const extras = awaiting->within->extras.get();
  return extras != nullptr ? *extras : none;
}

void job::leave_home() noexcept {
  away_ = true;
  loop::of(home()).jobs.count_out();
}

void job::come_home() noexcept {
  if (std::exchange(away_, false)) loop::of(home()).jobs.count_back();
}

void job::fail() const {
  if (ended_by_cancellation()) throw cancelled();
  switch (result_) {
    case job_refused_closed: throw pool_closed(name());
    case job_refused_full: throw queue_full(name());
    case job_terminated: throw pool_terminated(name());
    default: operation::fail();
  }
}

// ---- The desk.

void job_desk::add(job& submitted) noexcept {
  submitted.with_loop_ = true;
  gathered_.push_back(submitted);
  ++gathered_count_;
  if (!std::exchange(submitted_in_tick_, true) || gathered_count_ == gathered_max) hand_over();
}

bool job_desk::take_back(job& submitted) noexcept {
  if (!submitted.with_loop_) return false;
  submitted.with_loop_ = false;
  gathered_.remove(submitted);
  --gathered_count_;
  return true;
}

void job_desk::submit() noexcept {
  submitted_in_tick_ = false;
  if (gathered_count_ != 0) hand_over();
}

void job_desk::hand_over() noexcept {
  gathered_count_ = 0;
  while (!gathered_.empty()) {
    job_taker& executor = static_cast<job&>(gathered_.front()).executor();
    waiter_list together;
    std::size_t count = 0;
    while (!gathered_.empty() && &static_cast<job&>(gathered_.front()).executor() == &executor) {
      auto& next = static_cast<job&>(gathered_.pop_front());
      next.with_loop_ = false;
      together.push_back(next);
      ++count;
    }
    executor.take(together, count);
  }
  patience_ = looking_out_helps() ? std::min(patience_ + pauses_max / 32, pauses_max) : 0;
  looks_ = patience_;
}

void job_desk::add_source(job_source& source) { sources_.push_back(&source); }

void job_desk::remove_source(job_source& source) noexcept { std::erase(sources_, &source); }

void job_desk::collect() noexcept {
  if (sources_.empty()) return;
  std::erase_if(sources_, [](job_source* source) { return !source->collect(); });
}

bool job_desk::has_results() const noexcept {
  return std::ranges::any_of(sources_, [](auto const* source) { return source->has_results(); });
}

bool job_desk::fall_asleep() noexcept {
  return std::ranges::all_of(sources_, [](auto* source) { return source->fall_asleep(); });
}

void job_desk::awake() noexcept {
  for (auto* const source : sources_) source->awake();
}

bool job_desk::look_out(inbox const& arrivals) noexcept {
  if (away_ == 0 || looks_ == 0) return false;
  for (; looks_ > 0; --looks_) {
    if (arrivals.has_arrivals() || has_results()) {
      patience_ = pauses_max;
      return true;
    }
    pause_briefly();
  }
  patience_ /= 2;
  return false;
}

}  // namespace weft::inline v0::detail
