// See socket_address.hpp; getsockname(2), getpeername(2).
#include "socket_address.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <exception>

#include <fmt/format.h>

#include "weft/error.hpp"
#include "weft/net/unix_address.hpp"

namespace weft::inline v0::detail {

namespace {

using name_call = int (*)(int, sockaddr*, socklen_t*) noexcept;

socket_address ask(name_call call, char const* what, int fd) {
  socket_address address;
  if (call(fd, address.get(), &address.size) != 0)
    throw_system_error(errno, fmt::format("{} fd {}", what, fd));
  return address;
}

std::string name(name_call call, int fd) {
  socket_address address;
  return call(fd, address.get(), &address.size) == 0 ? name_of(address) : std::string();
}

}  // namespace

socket_address local_address(int fd) { return ask(&::getsockname, "getsockname", fd); }
socket_address peer_address(int fd) { return ask(&::getpeername, "getpeername", fd); }

std::string local_name(int fd) { return name(&::getsockname, fd); }
std::string peer_name(int fd) { return name(&::getpeername, fd); }

std::string name_of(socket_address const& address) {
  try {
    if (address.get()->sa_family == AF_UNIX) return to_unix_address(address).to_string();
    return to_endpoint(address).to_string();
  } catch (std::exception const&) {
    return {};
  }
}

}  // namespace weft::inline v0::detail
