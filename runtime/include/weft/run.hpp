// Running a task: run for any thread, run_main for the one task that is the program.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <type_traits>

#include "weft/task.hpp"

namespace weft::inline v0 {

enum class backend_kind : unsigned char {
  automatic,  // io_uring, or epoll where io_uring is blocked; WEFT_BACKEND=uring|epoll overrides
  uring,
  epoll,
};

struct run_options {
  backend_kind backend = backend_kind::automatic;

  // How long a task may hold the loop before the advisor logs a warning, which names the task and
  // the function that did and says where else the work would do no harm. Zero for no advisor. Not
  // set: as WEFT_STALL says ("50ms", "1s", "off"); without that, 50 ms in a debug build of Weft,
  // and none in others. While a task does hold the loop its thread gets SIGURG. See
  // docs/seeing-inside.md.
  std::optional<std::chrono::nanoseconds> stall_threshold = std::nullopt;

  // run_main: how long after the first signal what has not finished is cancelled. Longer than what
  // servers inside take to drain, so that they end by themselves.
  std::chrono::nanoseconds drain = std::chrono::seconds(10);

  // run_main: raises the soft limit of open files to the hard one. See getrlimit(2).
  bool raise_file_limit = true;
};

namespace detail {

// Runs the chain that begins with the frame's coroutine on a new loop of this thread, to its end.
WEFT_API void run_root(frame_owner& root, run_options const& options, transfer_mode);

// The same as a program: handles the signals and reports what the root throws. Yields the exit code
// for a root that did not return, or -1 for one that did.
WEFT_API int run_root_as_program(frame_owner& root, run_options const& options, transfer_mode);

}  // namespace detail

// Creates a loop on this thread, runs the task on it, and returns its value or throws what it
// threw, when it and all it has spawned have ended. Throws deadlock, after printing the dump
// through the log hook, when nothing could ever make it go on; std::logic_error when a loop runs on
// this thread already; std::system_error when the backend asked for cannot be had;
// std::invalid_argument for a WEFT_BACKEND or a WEFT_STALL that says nothing.
template <class T>
T run(task<T> root, run_options const& options = {}) {
  detail::frame_owner frame = detail::task_access::release(std::move(root));
  detail::run_root(frame, options, {});
  return static_cast<detail::task_promise<T>*>(frame.get())->take();
}

// Runs the task as the program and returns main's exit code: what a task<int> yields, else 0. The
// first SIGINT or SIGTERM requests a stop and, after options.drain, cancels; a second one ends the
// process at once with 128 + its number. Both are the program's own affair while it subscribes to
// them (weft::signals), and stay ignored if they were at the start. So does SIGQUIT, which makes
// the loop write its dump and its metrics, with those of the pools, to stderr and go on: as text,
// or as WEFT_DUMP=text|json says. An exception is logged in one line and yields 1, as does a
// setting in the environment that says nothing; a root that had to be cancelled yields 128 + the
// signal's number.
template <class T>
  requires std::is_void_v<T> || std::is_same_v<T, int>
int run_main(task<T> root, run_options const& options = {}) {
  detail::frame_owner frame = detail::task_access::release(std::move(root));
  if (int const code = detail::run_root_as_program(frame, options, {}); code >= 0) return code;
  if constexpr (std::is_void_v<T>)
    return 0;
  else
    return static_cast<detail::task_promise<T>*>(frame.get())->take();
}

}  // namespace weft::inline v0
