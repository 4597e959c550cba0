// The fork server's own process.
#pragma once

#include <sys/types.h>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::detail {

// Serves requests until the program is gone. To be called in a fresh fork of it.
[[noreturn]] void serve_forks(int socket, int owner_pidfd, pid_t owner) noexcept;

// Set in the server, and so in all children; 0 elsewhere.
pid_t owner_of_children() noexcept;

}  // namespace weft::inline v0::detail
