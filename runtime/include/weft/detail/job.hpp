// A job: an operation that an executor carries out elsewhere. It lives in the frame of the
// coroutine that awaits it, so handing it over allocates nothing. The loop gathers the jobs of a
// tick and gives them to their executor together; what the executor has done comes back through the
// loop's inbox.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "weft/detail/chain.hpp"
#include "weft/detail/inbox.hpp"

namespace weft::inline v0::detail {

class job;

// Why an executor did not do a job: its result.
inline constexpr int job_refused_closed = -ESHUTDOWN;
inline constexpr int job_refused_full = -EXFULL;
inline constexpr int job_terminated = -EOWNERDEAD;

// The side of an executor that the loop sees. All of it is called on threads of loops.
class WEFT_API job_taker {
 public:
  virtual ~job_taker() = default;

  // Whether it will take one more job: 0, or the result of the job that it refuses.
  virtual int admit() noexcept = 0;

  // Takes jobs that it has admitted, in their order.
  virtual void take(waiter_list& jobs, std::size_t count) noexcept = 0;

  // One that it had admitted will not come.
  virtual void forgo() noexcept = 0;

  // Asks for a job back: true when it had not begun and is the caller's again. Otherwise the job is
  // asked to end, and comes back when it has.
  virtual bool withdraw(job& taken) noexcept = 0;
};

class WEFT_API job : public operation {
 public:
  job(char const* name, job_taker& executor) noexcept : operation(name), executor_(executor) {}

  // Leaves it with the loop, which hands it over at the end of the tick at the latest.
  bool start() noexcept;
  void cancel() noexcept final;

  // The rest is for the executor, on any thread while it has the job.

  [[nodiscard]] job_taker& executor() const noexcept { return executor_; }
  [[nodiscard]] loop_core& home() const noexcept { return *awaiting->within->loop; }

  // What the job has of the task that awaits it, which is suspended meanwhile: its task-locals.
  [[nodiscard]] chain_extras const& inherited() const noexcept;

  // From here on the loop may have it back at any moment.
  void settle(int result) noexcept {
    result_ = result;
    // Release pairs with the acquire in cancel(): whoever sees it does not touch the executor,
    // which may be gone.
    settled_.store(true, std::memory_order_release);
  }

  std::int64_t taken_at = 0;  // when the executor took it, on the clock of the machine

 protected:
  ~job() = default;

  // It is away: the loop lives for it until it is back.
  void leave_home() noexcept;
  void come_home() noexcept;

  // Throws what a job that was not done means: cancelled, pool_closed, pool_terminated, queue_full.
  [[noreturn]] void fail() const;

 private:
  friend class job_desk;

  job_taker& executor_;
  std::atomic<bool> settled_{false};
  bool with_loop_ = false;  // still in the loop's own list
  bool away_ = false;
};

// The awaiter half of a job.
template <class Derived, class T, class Base>
class awaitable_job : public awaitable_operation<Derived, T, Base> {
 public:
  using awaitable_operation<Derived, T, Base>::awaitable_operation;

  T await_resume() {
    this->come_home();
    return awaitable_operation<Derived, T, Base>::await_resume();
  }

 protected:
  ~awaitable_job() = default;
};

}  // namespace weft::inline v0::detail
