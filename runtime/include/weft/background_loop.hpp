// background_loop: a loop on a thread of its own, for programs that are otherwise synchronous.
#pragma once

#include <concepts>
#include <exception>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "weft/error.hpp"
#include "weft/remote.hpp"
#include "weft/run.hpp"
#include "weft/task.hpp"

namespace weft::inline v0 {

namespace detail {

// Work for another loop: the function travels, the task it makes never leaves its thread.
class background_job {
 public:
  virtual ~background_job() = default;
  virtual task<> run() = 0;  // fulfils the promise inside
  virtual void fail(std::exception_ptr error) = 0;
};

template <class Fn>
class typed_background_job final : public background_job {
  using value_type = task_function_value<Fn>;

 public:
  explicit typed_background_job(Fn fn) : fn_(std::move(fn)) {}

  // One that has neither a value nor failed was never begun, so it was cancelled.
  ~typed_background_job() override {
    if (!settled_) fail(std::make_exception_ptr(cancelled()));
  }

  std::future<value_type> future() { return promise_.get_future(); }

  task<> run() override {
    if constexpr (std::is_void_v<value_type>) {
      co_await fn_();
      promise_.set_value();
    } else {
      promise_.set_value(co_await fn_());
    }
    settled_ = true;
  }

  void fail(std::exception_ptr error) override {
    promise_.set_exception(std::move(error));
    settled_ = true;
  }

 private:
  Fn fn_;
  std::promise<value_type> promise_;
  bool settled_ = false;
};

}  // namespace detail

// Starts its thread and loop on construction and throws what prevents that. Its members may be
// called on any thread but its own, several at once; the destructor comes after all of them.
class WEFT_API background_loop {
 public:
  explicit background_loop(run_options const& options = {});
  background_loop(background_loop const&) = delete;
  background_loop& operator=(background_loop const&) = delete;

  // Cancels what still runs and waits for its end.
  ~background_loop();

  // Calls `fn()` on the loop's thread and runs the task it returns, concurrently with what was
  // submitted before. The future has its value or exception (cancelled among them, also when
  // the loop was destroyed before the task began). Throws std::logic_error after join().
  template <detail::task_function Fn>
  std::future<detail::task_function_value<Fn>> submit(Fn fn) {
    auto job = std::make_unique<detail::typed_background_job<Fn>>(std::move(fn));
    auto future = job->future();
    enqueue(std::move(job));
    return future;
  }

  // The same, waiting here for the value.
  template <detail::task_function Fn>
  detail::task_function_value<Fn> run(Fn fn) {
    return submit(std::move(fn)).get();
  }

  // Takes no more work, and returns when all that was submitted has ended.
  void join();

 private:
  using job = std::unique_ptr<detail::background_job>;

  struct doors {
    remote_sender<job> jobs;
    remote_sender<bool> end;  // cancels
  };

  static task<> serve(std::promise<doors>& ready);
  void enqueue(job submitted);
  void finish(bool cancelling);

  std::mutex mutex_;
  std::optional<doors> doors_;  // guarded by the mutex; empty once no more is taken
  std::once_flag finished_;
  std::thread thread_;
};

}  // namespace weft::inline v0
