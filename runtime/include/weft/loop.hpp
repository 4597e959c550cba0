// What can be asked of the loop that runs on this thread.
#pragma once

#include <string_view>

#include "weft/detail/compiler.hpp"

// Only inside a task; elsewhere these abort the program, naming the call.
namespace weft::inline v0::this_loop {

// "io_uring" or "epoll"; views into the loop, valid while it runs.
WEFT_API std::string_view backend_name() noexcept;

// Why that backend: "io_uring works here", "io_uring_setup: Operation not permitted", ...
WEFT_API std::string_view backend_reason() noexcept;

}  // namespace weft::inline v0::this_loop
