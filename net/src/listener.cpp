// Accepting, and taking over what listens.
#include "weft/net/listener.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>

#include <fmt/format.h>

#include "socket_address.hpp"
#include "socket_option.hpp"
#include "weft/error.hpp"

namespace weft::inline v0::detail {

namespace {

// Whether a connection failed while it waited to be accepted, which says nothing of the listener.
// See accept(2), "Error handling".
bool is_failed_connection(int error) noexcept {
  switch (error) {
    case ECONNABORTED:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH: return true;
    default: return false;
  }
}

}  // namespace

accepting::accepting(descriptor& listening)
    : io_operation("accept", listening.get(), interest::read, ownership::owned_socket) {
  descriptor_access::claim(listening, *this);
}

// Not SOCK_NONBLOCK: the ring does not wait for a socket in that mode.
int accepting::perform() noexcept {
  int accepted = -1;
  do accepted = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
  while (accepted < 0 && is_failed_connection(errno));
  return accepted >= 0 ? accepted : -errno;
}

std::string accepting::describe() const {
  std::string const at = has_place() ? local_name(fd) : std::string();
  return at.empty() ? fmt::format("accept fd {}", fd) : "accept " + at;
}

descriptor adopt_listening(int fd) {
  if (option_of(fd, SOL_SOCKET, SO_ACCEPTCONN, "SO_ACCEPTCONN") == 0)
    throw_system_error(EINVAL, fmt::format("fd {} does not listen", fd));
  int const flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
    throw_system_error(errno, fmt::format("O_NONBLOCK fd {}", fd));
  return descriptor::adopt(fd);
}

}  // namespace weft::inline v0::detail
