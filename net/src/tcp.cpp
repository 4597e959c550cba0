// Listening, accepting, connecting, and the options of TCP sockets.
#include "weft/net/tcp.hpp"

#include <fcntl.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include <fmt/format.h>

#include "socket_address.hpp"
#include "weft/error.hpp"

namespace weft::inline v0::net {

namespace {

using detail::interest;
using detail::ownership;

// A descriptor, or -1 with errno.
int open_socket(endpoint const& for_this, int kind) noexcept {
  int const family = for_this.address().is_v4() ? AF_INET : AF_INET6;
  return ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | kind, IPPROTO_TCP);
}

// What does not fit an int is as much as fits.
void set_option(int fd, int level, int option, std::uint64_t wanted, char const* name) {
  int const value = static_cast<int>(std::min<std::uint64_t>(wanted, INT_MAX));
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
  auto const count = static_cast<std::uint64_t>(std::max(timeout.count(), std::int64_t{0}));
  set_option(get(), IPPROTO_TCP, TCP_USER_TIMEOUT, count, "TCP_USER_TIMEOUT");
}

void tcp_stream::set_send_buffer_size(std::size_t bytes) {
  set_option(get(), SOL_SOCKET, SO_SNDBUF, bytes, "SO_SNDBUF");
}

void tcp_stream::set_receive_buffer_size(std::size_t bytes) {
  set_option(get(), SOL_SOCKET, SO_RCVBUF, bytes, "SO_RCVBUF");
}

tcp_listener tcp_listener::bind(endpoint const& at, listen_options const& options) {
  auto const address = detail::to_sockaddr(at);
  int const fd = open_socket(at, SOCK_NONBLOCK);
  if (fd < 0) detail::throw_system_error(errno, "bind " + at.to_string());
  tcp_listener opened(descriptor::adopt(fd));
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
  if (!flag_of(fd, SOL_SOCKET, SO_ACCEPTCONN, "SO_ACCEPTCONN"))
    detail::throw_system_error(EINVAL, fmt::format("fd {} does not listen", fd));
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
  std::string const at = has_place() ? detail::local_name(fd) : std::string();
  return at.empty() ? fmt::format("accept fd {}", fd) : "accept " + at;
}

tcp_connect_operation::tcp_connect_operation(endpoint const& peer) noexcept
    : tcp_connect_operation(peer, descriptor::adopt(open_socket(peer, 0))) {}

tcp_connect_operation::tcp_connect_operation(endpoint const& peer, descriptor&& socket) noexcept
    : awaitable_operation("connect", socket.get(), interest::write),
      address_(detail::to_sockaddr(peer)),
      socket_(std::move(socket)),
      open_error_(fd < 0 ? errno : 0) {
  first_use = true;
}

bool tcp_connect_operation::start() noexcept {
  if (open_error_ == 0) return io_operation::start();
  result_ = -open_error_;
  return true;
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
