// The loop: the single-threaded owner of the backend, the timers and the ready queue. One tick runs
// what is ready (bounded), expires timers, and makes one kernel call that submits and waits.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include <sys/types.h>

#include "backend.hpp"
#include "blocking_pool.hpp"
#include "job_desk.hpp"
#include "sigpipe.hpp"
#include "stall_advisor.hpp"
#include "timers.hpp"
#include "weft/detail/inbox.hpp"
#include "weft/metrics.hpp"

namespace weft::inline v0::detail {

// How to make a loop; tests make theirs with backends of their own.
struct loop_setup {
  std::function<chosen_backend(int wake_fd)> make_backend;

  // For tests: called after every single resume, when all chains are suspended.
  std::function<void()> after_resume;

  // How long a chain may hold the loop before the advisor reports it; zero for no advisor.
  std::chrono::nanoseconds stall_threshold{};
};

// For metrics: the ticks that are over. A tick's chains are all ready when it begins, but for those
// that its own have made ready; so the last of them has waited for as long as the tick took.
struct tick_counts {
  std::uint64_t ticks = 0;
  std::uint64_t resumes = 0;
  power_histogram ready;
  power_histogram waited;

  void count(int resumed, std::int64_t nanoseconds) noexcept {
    ++ticks;
    if (resumed == 0) return;
    resumes += static_cast<std::uint64_t>(resumed);
    ready.add(static_cast<std::uint64_t>(resumed));
    waited.add(static_cast<std::uint64_t>(nanoseconds));
  }
};

class loop final : public loop_core {
 public:
  explicit loop(loop_setup const& setup);
  ~loop();
  loop(loop const&) = delete;
  loop& operator=(loop const&) = delete;

  static loop& of(loop_core& core) noexcept { return static_cast<loop&>(core); }

  // Runs until `root` has ended. Throws deadlock after having drained.
  void run(chain& root, bool const& root_ended);

  // Begins an operation; true when it completed inline with `result`.
  bool start(io_operation& op, int& result) noexcept;
  void cancel(io_operation& op) noexcept;

  // The blocking pool, for operations that nobody else can carry out.
  [[nodiscard]] blocking_pool& blocking() noexcept { return blocking_; }

  [[nodiscard]] detail::backend& kernel() noexcept { return *backend_.made; }
  [[nodiscard]] std::string const& backend_reason() const noexcept { return backend_.reason; }
  [[nodiscard]] std::shared_ptr<inbox> const& entrance() const noexcept { return inbox_; }
  [[nodiscard]] pid_t owner() const noexcept { return owner_; }
  [[nodiscard]] stall_advisor* advisor() const noexcept { return advisor_.get(); }

  cancel_scope* root_scope = nullptr;  // for dump

  tick_counts done;

  timers pending;
  job_desk jobs;
  bool stop_may_come = false;  // run_main watches for signals

 private:
  int run_ready() noexcept;
  [[gnu::noinline]] int run_observed() noexcept;
  void sleep() noexcept;
  void awake() noexcept;
  [[nodiscard]] bool alive() const noexcept;
  void break_deadlock(int round);

  pid_t owner_;
  sigpipe_blocked no_sigpipe_;
  std::shared_ptr<inbox> inbox_;
  chosen_backend backend_;
  blocking_pool blocking_;
  std::function<void()> after_resume_;
  std::unique_ptr<stall_advisor> advisor_;
  bool observed_;  // by either of these
};

// What metrics() says of the loop that runs there. On its thread.
[[nodiscard]] loop_metrics metrics_of(loop& asked);

// Runs the chain that begins with the frame's coroutine on a loop of this thread. `started`, if
// given, is called with the loop and the root chain before the first resume; what it returns is
// kept until the chain has ended.
using root_companion = std::function<std::shared_ptr<void>(loop&, chain&)>;
void run_root_on(frame_owner& root, loop_setup const& setup, root_companion const& started = {});

}  // namespace weft::inline v0::detail
