// Listening, connecting, and the options of TCP sockets.
#include "weft/net/tcp.hpp"

#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "socket_address.hpp"
#include "socket_option.hpp"
#include "weft/error.hpp"

namespace weft::inline v0::net {

namespace {

using detail::interest;
using detail::option_of;
using detail::set_option;

// A descriptor, or -1 with errno.
int open_socket(endpoint const& for_this, int kind) noexcept {
  int const family = for_this.address().is_v4() ? AF_INET : AF_INET6;
  return ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | kind, IPPROTO_TCP);
}

}  // namespace

endpoint tcp_stream::local() const { return detail::to_endpoint(detail::local_address(get())); }

endpoint tcp_stream::peer() const { return detail::to_endpoint(detail::peer_address(get())); }

void tcp_stream::set_no_delay(bool on) {
  set_option(get(), IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY", on ? 1 : 0);
}

bool tcp_stream::no_delay() const {
  return option_of(get(), IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY") != 0;
}

void tcp_stream::set_keep_alive(bool on) {
  set_option(get(), SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE", on ? 1 : 0);
}

bool tcp_stream::keep_alive() const {
  return option_of(get(), SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE") != 0;
}

void tcp_stream::set_user_timeout(std::chrono::milliseconds timeout) {
  auto const count = static_cast<std::uint64_t>(std::max(timeout.count(), std::int64_t{0}));
  set_option(get(), IPPROTO_TCP, TCP_USER_TIMEOUT, "TCP_USER_TIMEOUT", count);
}

tcp_listener tcp_listener::bind(endpoint const& at, listen_options const& options) {
  auto const address = detail::to_sockaddr(at);
  int const fd = open_socket(at, SOCK_NONBLOCK);
  if (fd < 0) detail::throw_system_error(errno, "bind " + at.to_string());
  tcp_listener opened(descriptor::adopt(fd));
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR", 1);
  if (options.reuse_port) set_option(fd, SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT", 1);
  if (options.v6_only && at.address().is_v6())
    set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY", *options.v6_only ? 1 : 0);
  if (::bind(fd, address.get(), address.size) != 0)
    detail::throw_system_error(errno, "bind " + at.to_string());
  if (::listen(fd, options.backlog) != 0)
    detail::throw_system_error(errno, "listen " + at.to_string());
  return opened;
}

endpoint tcp_listener::local() const { return detail::to_endpoint(detail::local_address(get())); }

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
  return "connect " + detail::name_of(address_);
}

}  // namespace weft::inline v0::net
