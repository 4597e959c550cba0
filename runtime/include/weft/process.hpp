// process: one function in a process of its own.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "weft/detail/child_entry.hpp"
#include "weft/detail/remote_function.hpp"
#include "weft/exit_status.hpp"
#include "weft/fork_server.hpp"
#include "weft/task.hpp"

namespace weft::inline v0 {

namespace detail {

class remote_child;

// Calls it in the child and yields the exit code: what it returns when that is a number, else 0;
// 1 when it throws, which is printed on stderr.
WEFT_API int run_process_body(int (*body)(void (*function)(), std::span<std::byte const> arguments),
                              void (*function)(), std::span<std::byte const> arguments,
                              std::vector<int>& descriptors);

template <class Fn, class... Args>
int process_body(void (*function)(), std::span<std::byte const> arguments) {
  if constexpr (std::is_integral_v<remote_value<Fn, Args...>>) {
    return static_cast<int>(call_remote<Fn, Args...>(function, arguments));
  } else {
    call_remote<Fn, Args...>(function, arguments);
    return 0;
  }
}

template <class Fn, class... Args>
int process_entry(void (*function)(), std::span<std::byte const> arguments,
                  std::vector<int>& descriptors) {
  return run_process_body(&process_body<Fn, Args...>, function, arguments, descriptors);
}

}  // namespace detail

// A child process that was given a function. It is forked from the fork server (see
// weft/fork_server.hpp), so it sees the program's memory as it was when that started, has of the
// descriptors only stdin, stdout, stderr and what its arguments bring, and its signals are as in a
// new program. It gets SIGKILL when the program ends, whatever the reason.
//
// Belongs to no loop: its members may be called on any thread, one at a time. Destroying one that
// runs kills it.
class WEFT_API process {
 public:
  process() noexcept = default;
  process(process&& other) noexcept = default;
  process& operator=(process&& other) noexcept;
  ~process();

  explicit operator bool() const noexcept { return child_ != nullptr; }

  // Calls `fn(args...)` in a new process and yields that process once it runs. `fn` is a function
  // or a lambda without captures; the arguments are weft::transferable, travel as copies, and are
  // moved into the call: text arrives as std::string. A function that yields a task has it run on
  // a loop of the child. What `fn` returns is the exit code if it is an integer, else that is 0; an
  // exception is printed on stderr and makes it 1.
  //
  // Cancelled, the child is killed before `fn` has come far. Throws std::logic_error when the fork
  // server cannot be started any more or does not know the function, std::system_error when no
  // process can be had.
  template <class Fn, class... Args>
    requires detail::remote_job_function<Fn, Args...>
  [[nodiscard]] static task<process> start(Fn fn, Args... args) {
    static_cast<void>(detail::fork_server_is_wanted<>);
    auto const address = detail::remote_address<Fn, Args...>(fn);
    detail::byte_sink encoded;
    std::vector<int> borrowed;
    {
      detail::traveling_descriptors const travel(borrowed);
      detail::encode(encoded, args...);
    }
    co_return co_await start_child(
        {.entry = &detail::process_entry<Fn, detail::traveler_t<Args>...>,
         .function = address,
         .arguments = encoded.bytes(),
         .descriptors = borrowed});
  }

  // Waits for its end and yields the exit code, or -N when signal N killed it; as often as asked.
  // Cancelled, it leaves the process as it is. Throws std::runtime_error when the fork server has
  // died, and nobody knows how the process ended.
  [[nodiscard]] task<int> join() const;

  // What join() yields, once the process has ended.
  [[nodiscard]] std::optional<int> exit_code() const;

  // Its number. That of a process that has ended may be another's by now.
  [[nodiscard]] pid_t pid() const;

  // Sends a signal. Nothing happens when the process has ended. Throws std::system_error for a
  // number that is no signal. See pidfd_send_signal(2).
  void signal(int number);
  void terminate();  // SIGTERM, which asks it to end
  void kill();       // SIGKILL, which ends it

 private:
  static task<process> start_child(detail::child_start wanted);
  [[nodiscard]] detail::remote_child& there() const;

  std::shared_ptr<detail::remote_child> child_;
};

}  // namespace weft::inline v0
