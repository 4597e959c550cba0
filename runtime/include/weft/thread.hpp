// thread: a thread with a name and one function to run.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>

#include "weft/detail/job_call.hpp"
#include "weft/task.hpp"

namespace weft::inline v0 {

// The name of the thread that asks: what weft::thread was given, "MainThread" for the thread of
// main, else what the system calls it. See pthread_getname_np(3).
[[nodiscard]] WEFT_API std::string this_thread_name();

namespace detail {

struct thread_state;

// What a thread runs.
class thread_body {
 public:
  virtual ~thread_body() = default;
  virtual void run(std::stop_token stop) = 0;
};

template <class Fn, class... Args>
class thread_call_body final : public thread_body {
 public:
  template <class F, class... A>
  explicit thread_call_body(F&& fn, A&&... args)
      : fn_(std::forward<F>(fn)), args_(std::forward<A>(args)...) {}

  void run(std::stop_token stop) override {
    std::apply(
        [&](Args&... args) {
          if constexpr (takes_stop_token<Fn, Args...>)
            std::invoke(std::move(fn_), std::move(stop), std::move(args)...);
          else
            std::invoke(std::move(fn_), std::move(args)...);
        },
        args_);
  }

 private:
  Fn fn_;
  std::tuple<Args...> args_;
};

}  // namespace detail

// Runs one function on a thread of its own, for as long as that takes: for work that goes on beside
// the loop. Jobs that come and go are for a thread_pool. Its members may be called on any thread,
// one at a time. Destroying one asks it to stop and waits for its end, blocking, as std::jthread
// does; the log then tells of an exception that no join has thrown.
class WEFT_API thread {
 public:
  thread() noexcept = default;

  // Calls `fn(args...)` on a new thread, or `fn(stop_token, args...)` if it takes a std::stop_token
  // first. The function and the arguments are copied or moved; std::ref borrows. The system shows
  // the first 15 bytes of the name. The thread handles no signals. Throws std::system_error when
  // there can be no further thread.
  template <class Fn, class... Args>
    requires detail::job_function<Fn, Args...>
  explicit thread(std::string name, Fn&& fn, Args&&... args)
      : thread(std::move(name),
               std::make_unique<detail::thread_call_body<std::decay_t<Fn>, std::decay_t<Args>...>>(
                   std::forward<Fn>(fn), std::forward<Args>(args)...)) {}

  thread(thread&& other) noexcept = default;
  thread& operator=(thread&& other) noexcept;
  ~thread();

  // Whether there is one: false for a default one, and after a move.
  explicit operator bool() const noexcept { return state_ != nullptr; }

  // Waits for the end of the function and throws what it threw, as often as asked; resumes on this
  // loop. Cancelled, it leaves the thread as it is, and the next join() goes on.
  [[nodiscard]] task<> join() const;

  // Whether the function has ended.
  [[nodiscard]] bool ended() const;

  // Asks it to stop, through the token that it takes.
  void request_stop() const;

  [[nodiscard]] std::string const& name() const;

 private:
  thread(std::string name, std::unique_ptr<detail::thread_body> body);
  [[nodiscard]] detail::thread_state& there() const;

  std::shared_ptr<detail::thread_state> state_;
  std::jthread running_;  // the last member: it is joined before the rest is gone
};

}  // namespace weft::inline v0
