// A job for a thread of a pool.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "weft/detail/job.hpp"
#include "weft/detail/job_call.hpp"

namespace weft::inline v0::detail {

class WEFT_API thread_job : public job {
 public:
  // In which hands it is; under the pool's mutex. Only what is queued or dealt can be taken back.
  enum class place : std::uint8_t { queued, dealt, joining, gone };

  using job::job;

  // Does it, on a thread of the pool; false when it threw.
  virtual bool work() noexcept = 0;

  [[nodiscard]] virtual bool can_be_stopped() const noexcept { return false; }
  virtual void request_stop() noexcept {}

  place where = place::queued;
  std::atomic<thread_job*>* hand = nullptr;  // when dealt: where the worker will look for it

 protected:
  ~thread_job() = default;
};

template <class Fn, class... Args>
class thread_call final
    : public awaitable_job<thread_call<Fn, Args...>, job_value<Fn, Args...>, thread_job> {
  using base = awaitable_job<thread_call, job_value<Fn, Args...>, thread_job>;

 public:
  template <class F, class... A>
  thread_call(char const* pool, job_taker& executor, F&& fn, A&&... args)
      : base(pool, executor), call_(std::forward<F>(fn), std::forward<A>(args)...) {}

  bool work() noexcept override { return call_.call(); }

  [[nodiscard]] bool can_be_stopped() const noexcept override { return call_.is_stoppable; }
  void request_stop() noexcept override { call_.request_stop(); }

  job_value<Fn, Args...> value() { return call_.take(); }

 private:
  job_call<Fn, Args...> call_;
};

}  // namespace weft::inline v0::detail
