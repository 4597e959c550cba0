// See loop.hpp; and docs/architecture.md for one operation's journey.
#include "loop.hpp"

#include <pthread.h>
#include <unistd.h>

#include <stdexcept>

#include <fmt/format.h>

#include "fatal.hpp"
#include "scope_tree.hpp"
#include "weft/dump.hpp"
#include "weft/error.hpp"
#include "weft/log.hpp"
#include "weft/loop.hpp"
#include "weft/retry.hpp"
#include "weft/time.hpp"

namespace weft::inline v0::detail {

constinit thread_local loop_core* current_loop = nullptr;
constinit thread_local chain_extras const* inherited_by_job = nullptr;

namespace {

// How many operations are resumed before the kernel and the timers get their turn.
constexpr int resumes_per_tick = 256;

void leave_forked_child() noexcept { current_loop = nullptr; }

void watch_for_forks() {
  static int const registered = ::pthread_atfork(nullptr, nullptr, leave_forked_child);
  (void)registered;
}

}  // namespace

loop::loop(loop_setup const& setup)
    : owner_(::getpid()),
      inbox_(std::make_shared<inbox>()),
      backend_(setup.make_backend(inbox_->wake_descriptor())),
      blocking_(inbox_),
      after_resume_(setup.after_resume),
      advisor_(stall_advisor::start(*this, setup.stall_threshold)),
      observed_(after_resume_ || advisor_) {
  buffers = buffer_pool::open();
  watch_for_forks();
  now = kernel().now();
  pending.expire(now);
  current_loop = this;
}

// All chains have ended. What other threads had sent is delivered or dropped; then they are
// refused.
loop::~loop() {
  inbox_->close(*this);
  while (!ready.empty()) run_one();
  current_loop = nullptr;
  buffers->close();
}

void loop::run(chain& root, bool const& root_ended) {
  push_ready(root);
  int deadlocks = 0;
  while (!root_ended) {
    std::int64_t const began = now;
    int const resumed = run_ready();
    jobs.submit();
    if (root_ended) break;
    inbox_->drain(*this);
    jobs.collect();
    now = kernel().now();
    done.count(resumed, now - began);
    pending.expire(now);
    if (ready.empty() && !alive())
      break_deadlock(++deadlocks);
    else
      sleep();
  }
  if (deadlocks != 0)
    throw deadlock("deadlock: every task waited, and nothing was left that could wake one");
}

// Yields how many were resumed.
int loop::run_ready() noexcept {
  if (observed_) [[unlikely]]
    return run_observed();
  int left = resumes_per_tick;
  for (; left != 0 && !ready.empty(); --left) run_one();
  current = nullptr;
  return resumes_per_tick - left;
}

// The same for who looks at every resume: the advisor, or a test, which gets a tick for each.
int loop::run_observed() noexcept {
  if (!after_resume_) return advisor_->run_ready(resumes_per_tick);
  int resumed = 0;
  if (advisor_)
    resumed = advisor_->run_ready(1);
  else
    for (; resumed != 1 && !ready.empty(); ++resumed) run_one();
  if (resumed != 0) after_resume_();
  current = nullptr;
  return resumed;
}

void loop::sleep() noexcept {
  bool const busy = !ready.empty();
  if (!busy && jobs.look_out(*inbox_)) return;
  if (!busy && (!inbox_->fall_asleep() || !jobs.fall_asleep())) return awake();
  if (kernel().wait(busy ? now : pending.next())) inbox_->clear_wake();
  if (busy) return;
  awake();
  now = kernel().now();
}

void loop::awake() noexcept {
  inbox_->awake();
  jobs.awake();
}

bool loop::alive() const noexcept {
  // Remotes and jobs first: what they push last comes before they are counted out.
  return inbox_->has_remotes() || blocking_.jobs() != 0 || jobs.away() != 0 ||
         inbox_->has_arrivals() || backend_.made->in_flight() != 0 || !pending.empty() ||
         (stop_may_come && until_stop != 0);
}

// Cancels everything; when that was not enough because a shield hides the wait, shields and all.
void loop::break_deadlock(int round) {
  if (round == 1) {
    log(log_level::error, "deadlock: nothing is ready, in flight or could come from elsewhere\n" +
                              dump(dump_format::text));
    root_scope->cancel();
  } else if (round == 2) {
    scope_tree::cancel_through_shields(*root_scope);
  } else {
    fatal("weft: a deadlock could not be ended by cancelling everything; this is a bug in Weft");
  }
}

bool loop::start(io_operation& op, int& result) noexcept {
  op.stage = 0;
  switch (kernel().start(op, result)) {
    case started::finished: return true;
    case started::in_flight: return false;
    case started::unsupported: break;
  }
  op.offloaded = true;
  // Once it is submitted a thread may be writing the operation's result.
  int const refused = blocking_.submit(op);
  if (refused == 0) return false;
  result = refused;
  return true;
}

void loop::cancel(io_operation& op) noexcept {
  if (!op.offloaded)
    kernel().cancel(op);
  else if (blocking_.withdraw(op))
    op.complete(-ECANCELED);
}

// ---- What headers and users reach the loop through.

bool io_operation::start() noexcept {
  return loop::of(*awaiting->within->loop).start(*this, result_);
}

void timer::start(loop_core& core, std::int64_t deadline) noexcept {
  loop::of(core).pending.start(*this, deadline);
}

void timer::stop(loop_core& core) noexcept { loop::of(core).pending.stop(*this); }

std::int64_t clock_now(loop_core& core) noexcept { return loop::of(core).kernel().now(); }

double random_unit() noexcept {
  loop& running = loop::of(*running_chain("weft::retry").loop);
  return static_cast<double>(running.kernel().random() >> 11) * 0x1p-53;
}

std::shared_ptr<inbox> inbox_of_running_loop() {
  return loop::of(*running_chain("a remote sender").loop).entrance();
}

void abort_wrong_thread(loop_core const& home, char const* what) noexcept {
  auto const& owner = static_cast<loop const&>(home);
  if (owner.owner() != ::getpid())
    fatal(
        fmt::format("weft: {} used the loop of process {} in its forked child {}; a child must "
                    "exec or _exit without touching the parent's loop",
                    what, owner.owner(), ::getpid()));
  fatal(
      fmt::format("weft: {} used a loop from a thread that is not its own; a loop and all that is "
                  "bound to it belong to one thread (other threads use a remote sender)",
                  what));
}

void abort_outside_task(char const* what) noexcept {
  fatal(fmt::format("weft: {} was called where no task is running", what));
}

}  // namespace weft::inline v0::detail

namespace weft::inline v0 {

clock::time_point now() noexcept {
  return clock::time_point(
      std::chrono::nanoseconds(detail::clock_now(*detail::running_chain("weft::now").loop)));
}

namespace this_loop {

std::string_view backend_name() noexcept {
  return detail::loop::of(*detail::running_chain("this_loop::backend_name").loop).kernel().name();
}

std::string_view backend_reason() noexcept {
  return detail::loop::of(*detail::running_chain("this_loop::backend_reason").loop)
      .backend_reason();
}

}  // namespace this_loop
}  // namespace weft::inline v0
