// Listening, accepting, connecting, and the options of TCP sockets.
#include "weft/net/tcp.hpp"

#include <fcntl.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include <fmt/format.h>

#include "socket_address.hpp"
#include "weft/error.hpp"

namespace weft::inline v0::net {

namespace {

using detail::interest;
using detail::ownership;

int open_socket(int family, int kind) {
  int const fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | kind, IPPROTO_TCP);
  if (fd < 0) detail::throw_system_error(errno, "socket");
  return fd;
}

void set_option(int fd, int level, int option, int value, char const* name) {
  if (::setsockopt(fd, level, option, &value, sizeof value) != 0)
    detail::throw_system_error(errno, fmt::format("{} fd {}", name, fd));
}

bool flag_of(int fd, int level, int option, char const* name) {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(fd, level, option, &value, &size) != 0)
    detail::throw_system_error(errno, fmt::format("{} fd {}", name, fd));
  return value != 0;
}

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

endpoint tcp_stream::local() const { return detail::local_endpoint(get()); }

endpoint tcp_stream::peer() const { return detail::peer_endpoint(get()); }

void tcp_stream::set_no_delay(bool on) {
  set_option(get(), IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0, "TCP_NODELAY");
}

bool tcp_stream::no_delay() const {
  return flag_of(get(), IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY");
}

void tcp_stream::set_keep_alive(bool on) {
  set_option(get(), SOL_SOCKET, SO_KEEPALIVE, on ? 1 : 0, "SO_KEEPALIVE");
}

bool tcp_stream::keep_alive() const {
  return flag_of(get(), SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE");
}

void tcp_stream::set_user_timeout(std::chrono::milliseconds timeout) {
  set_option(get(), IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(timeout.count()),
             "TCP_USER_TIMEOUT");
}

void tcp_stream::set_send_buffer_size(std::size_t bytes) {
  set_option(get(), SOL_SOCKET, SO_SNDBUF, static_cast<int>(bytes), "SO_SNDBUF");
}

void tcp_stream::set_receive_buffer_size(std::size_t bytes) {
  set_option(get(), SOL_SOCKET, SO_RCVBUF, static_cast<int>(bytes), "SO_RCVBUF");
}

tcp_listener tcp_listener::bind(endpoint const& at, listen_options const& options) {
  auto const address = detail::to_sockaddr(at);
  tcp_listener opened(
      descriptor::adopt(open_socket(at.address().is_v4() ? AF_INET : AF_INET6, SOCK_NONBLOCK)));
  int const fd = opened.get();
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
  if (options.reuse_port) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT");
  if (options.v6_only && at.address().is_v6())
    set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, *options.v6_only ? 1 : 0, "IPV6_V6ONLY");
  if (::bind(fd, address.get(), address.size) != 0)
    detail::throw_system_error(errno, "bind " + at.to_string());
  if (::listen(fd, options.backlog) != 0)
    detail::throw_system_error(errno, "listen " + at.to_string());
  return opened;
}

tcp_listener tcp_listener::adopt(int fd) {
  int const flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
    detail::throw_system_error(errno, fmt::format("O_NONBLOCK fd {}", fd));
  return tcp_listener(descriptor::adopt(fd));
}

endpoint tcp_listener::local() const { return detail::local_endpoint(get()); }

tcp_listener::accept_operation tcp_listener::accept() { return accept_operation(*this); }

tcp_listener::accept_operation::accept_operation(tcp_listener& listener)
    : tried_operation("accept", listener.get(), interest::read, ownership::owned_socket) {
  detail::descriptor_access::claim(listener.descriptor_, *this);
}

// Not SOCK_NONBLOCK: the ring does not wait for a socket in that mode.
int tcp_listener::accept_operation::perform() noexcept {
  int accepted = -1;
  do accepted = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
  while (accepted < 0 && is_failed_connection(errno));
  return accepted >= 0 ? accepted : -errno;
}

std::string tcp_listener::accept_operation::describe() const {
  return "accept " + (has_place() ? detail::local_name(fd) : std::string());
}

tcp_connect_operation::tcp_connect_operation(endpoint const& peer)
    : tcp_connect_operation(
          peer, descriptor::adopt(open_socket(peer.address().is_v4() ? AF_INET : AF_INET6, 0))) {}

tcp_connect_operation::tcp_connect_operation(endpoint const& peer, descriptor&& socket)
    : awaitable_operation("connect", socket.get(), interest::write),
      address_(detail::to_sockaddr(peer)),
      socket_(std::move(socket)) {
  first_use = true;
}

bool tcp_connect_operation::prepare(io_uring_sqe& entry) const noexcept {
  ::io_uring_prep_connect(&entry, fd, address_.get(), address_.size);
  return true;
}

int tcp_connect_operation::perform() noexcept {
  if (!std::exchange(begun_, true)) {
    if (::connect(fd, address_.get(), address_.size) == 0) return 0;
    return errno == EINPROGRESS ? -EAGAIN : -errno;
  }
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return -errno;
  return -error;
}

std::string tcp_connect_operation::describe() const {
  return "connect " + detail::from_sockaddr(address_.get(), address_.size).to_string();
}

}  // namespace weft::inline v0::net
