// See socket_address.hpp and socket_base.hpp; getsockname(2), getpeername(2).
#include "socket_address.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <exception>

#include <fmt/format.h>

#include "weft/error.hpp"
#include "weft/net/socket_base.hpp"

namespace weft::inline v0::detail {

namespace {

using name_call = int (*)(int, sockaddr*, socklen_t*) noexcept;

net::endpoint ask(name_call call, char const* what, int fd) {
  socket_address address;
  if (call(fd, address.get(), &address.size) != 0)
    throw_system_error(errno, fmt::format("{} fd {}", what, fd));
  return from_sockaddr(address.get(), address.size);
}

std::string name(name_call call, int fd) {
  socket_address address;
  return call(fd, address.get(), &address.size) == 0 ? name_of(address) : std::string();
}

}  // namespace

net::endpoint local_endpoint(int fd) { return ask(&::getsockname, "getsockname", fd); }
net::endpoint peer_endpoint(int fd) { return ask(&::getpeername, "getpeername", fd); }
std::string local_name(int fd) { return name(&::getsockname, fd); }
std::string peer_name(int fd) { return name(&::getpeername, fd); }

std::string name_of(socket_address const& address) {
  try {
    return from_sockaddr(address.get(), address.size).to_string();
  } catch (std::exception const&) {
    return {};
  }
}

std::string socket_operation::describe() const {
  std::string const peer = has_place() ? peer_name(fd) : std::string();
  return fmt::format("{} fd {}{}{}", name(), fd, peer.empty() ? "" : " ", peer);
}

}  // namespace weft::inline v0::detail
