// See socket_option.hpp; getsockopt(2).
#include "socket_option.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include <fmt/format.h>

#include "weft/error.hpp"

namespace weft::inline v0::detail {

void set_option(int fd, int level, int option, char const* name, std::span<std::byte const> value) {
  if (::setsockopt(fd, level, option, value.data(), static_cast<socklen_t>(value.size())) != 0)
    throw_system_error(errno, fmt::format("{} fd {}", name, fd));
}

void set_option(int fd, int level, int option, char const* name, std::uint64_t value) {
  int const fitting = static_cast<int>(std::min<std::uint64_t>(value, INT_MAX));
  set_option(fd, level, option, name, std::as_bytes(std::span(&fitting, 1)));
}

int option_of(int fd, int level, int option, char const* name) {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(fd, level, option, &value, &size) != 0)
    throw_system_error(errno, fmt::format("{} fd {}", name, fd));
  return value;
}

}  // namespace weft::inline v0::detail
