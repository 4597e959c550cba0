// The fork server: a small copy of the program, taken while it has only one thread, from which all
// child processes that run functions are forked. So no lock is ever copied while another thread
// holds it, and nothing of the loops, rings and descriptors of the program gets into a child.
#pragma once

#include <sys/types.h>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0 {

// A program with a call of process::start or process_pool::run in its code has its fork server
// started by whichever comes first: weft::run, run_main or background_loop, the first thread_pool
// or process_pool, the first process, or this call. It must come before the program has other
// threads: a program that starts some of its own makes this call first, at the top of main.
// Children see the memory of that moment, and run functions only of the libraries that were loaded
// then.
//
// Throws std::logic_error when there are other threads already, std::system_error when it cannot be
// started. Calling it again changes nothing.
WEFT_API void start_fork_server();

// The process number of the program: of its first process, not of the child that asks.
[[nodiscard]] WEFT_API pid_t owner_pid() noexcept;

namespace detail {

WEFT_API bool want_fork_server() noexcept;

// Set before main begins in a program that has code which reads it.
template <class = void>
inline bool const fork_server_is_wanted = want_fork_server();

}  // namespace detail

}  // namespace weft::inline v0
