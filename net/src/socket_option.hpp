// Options of sockets. Throw std::system_error ("TCP_NODELAY fd 7: Bad file descriptor").
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace weft::inline v0::detail {

void set_option(int fd, int level, int option, char const* name, std::span<std::byte const> value);

// An option that is an int. What does not fit one is as much as fits.
void set_option(int fd, int level, int option, char const* name, std::uint64_t value);

[[nodiscard]] int option_of(int fd, int level, int option, char const* name);

}  // namespace weft::inline v0::detail
