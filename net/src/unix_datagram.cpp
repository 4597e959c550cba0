// Datagrams over Unix sockets: sending to a receiver that may be full, and what comes besides
// bytes.
#include "weft/net/unix_datagram.hpp"

#include <liburing.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>

#include <fmt/format.h>

#include "passed_descriptors.hpp"
#include "socket_address.hpp"
#include "socket_option.hpp"
#include "transfer.hpp"
#include "unix_socket.hpp"
#include "weft/error.hpp"
#include "weft/timeout.hpp"

namespace weft::inline v0::net {

namespace {

using detail::interest;
using detail::option_of;
using detail::result_of;

// To the address, or to the peer for none.
int send_message(int fd, std::span<std::byte const> bytes, detail::socket_address const* to,
                 std::span<int const> descriptors) noexcept {
  // sendmsg(2) does not write through the pointers.
  iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  if (to != nullptr) {
    message.msg_name = const_cast<sockaddr*>(to->get());
    message.msg_namelen = to->size;
  }
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  detail::control_messages control;
  control.attach(message, descriptors);
  return result_of(::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
}

void connect_to(descriptor const& socket, unix_address const& peer, char const* what) {
  auto const address = detail::to_sockaddr(peer);
  if (::connect(socket.get(), address.get(), address.size) != 0)
    detail::throw_system_error(errno, fmt::format("{} {}", what, peer.to_string()));
}

}  // namespace

unix_datagram unix_datagram::bind(unix_address const& at, unix_bind_options const& options) {
  unix_datagram opened(detail::open_unix_socket(SOCK_DGRAM, "bind", at));
  opened.file_ = detail::bind_unix_socket(opened.descriptor_, SOCK_DGRAM, at, options);
  return opened;
}

unix_datagram unix_datagram::connect(unix_address const& peer) {
  auto opened = bind(unix_address());
  connect_to(opened.descriptor_, peer, "connect");
  return opened;
}

std::pair<unix_datagram, unix_datagram> unix_datagram::pair() {
  auto [first, second] = detail::unix_socket_pair(SOCK_DGRAM);
  return {unix_datagram(std::move(first)), unix_datagram(std::move(second))};
}

unix_datagram unix_datagram::adopt(int fd) {
  if (option_of(fd, SOL_SOCKET, SO_DOMAIN, "SO_DOMAIN") != AF_UNIX ||
      option_of(fd, SOL_SOCKET, SO_TYPE, "SO_TYPE") != SOCK_DGRAM)
    detail::throw_system_error(EINVAL, fmt::format("fd {} is no Unix datagram socket", fd));
  return unix_datagram(descriptor::adopt(fd));
}

int unix_datagram::receive_from_operation::perform() noexcept {
  iovec piece{buffer_.data(), buffer_.size()};
  detail::socket_address from;
  msghdr message{};
  message.msg_name = from.get();
  message.msg_namelen = from.size;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  detail::control_messages control;
  control.make_room(message, places_.size());
  int const result = result_of(::recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
  if (result < 0) return result;
  from.size = message.msg_namelen;
  auto const brought = detail::take_from(message, places_);
  received_ = {.size = static_cast<std::size_t>(result),
               .from = detail::to_unix_address(from),
               .truncated = (message.msg_flags & MSG_TRUNC) != 0,
               .count = brought.descriptors,
               .descriptors_lost = brought.descriptors_lost,
               .sender = brought.sender};
  return result;
}

int unix_datagram::send_descriptors_operation::perform() noexcept {
  return send_message(fd, bytes_, nullptr, descriptors_);
}

unix_datagram::send_descriptors_operation unix_datagram::send_descriptors(
    std::span<std::byte const> bytes, std::span<int const> descriptors) {
  detail::require_passable(descriptors);
  return {*this, bytes, descriptors};
}

// One try, which ends at once. Yields whether there was room.
class unix_datagram::send_attempt final
    : public detail::tried_operation<send_attempt, bool, detail::socket_operation> {
 public:
  send_attempt(unix_datagram& socket, std::span<std::byte const> bytes, unix_address const& to,
               std::span<int const> descriptors)
      : tried_operation("send", socket.descriptor_, interest::write),
        bytes_(bytes),
        to_(detail::to_sockaddr(to)),
        descriptors_(descriptors) {}

  int perform() noexcept override {
    int const result = send_message(fd, bytes_, &to_, descriptors_);
    full_ = result == -EAGAIN;
    return full_ ? 0 : result;
  }
  bool value() const noexcept { return !full_; }
  [[nodiscard]] std::string describe() const override {
    return fmt::format("{} fd {} {}", name(), fd, detail::name_of(to_));
  }

 private:
  std::span<std::byte const> bytes_;
  detail::socket_address to_;
  std::span<int const> descriptors_;
  bool full_ = false;
};

// Waits until a socket has room, in the name of `sender`, whose sending it takes part in: closing
// that ends it.
class unix_datagram::room_operation final
    : public detail::awaitable_operation<room_operation, void, detail::io_operation> {
 public:
  room_operation(unix_datagram& sender, int waited_for)
      : awaitable_operation("send", waited_for, interest::write, detail::ownership::borrowed) {
    detail::descriptor_access::claim(sender.descriptor_, *this);
    first_use = waited_for != sender.get();
  }
  bool prepare(io_uring_sqe& entry) const noexcept override {
    ::io_uring_prep_poll_add(&entry, fd, POLLOUT);
    return true;
  }
  int perform() noexcept override {
    pollfd asked{.fd = fd, .events = POLLOUT, .revents = 0};
    int const count = result_of(::poll(&asked, 1, 0));
    return count == 0 ? -EAGAIN : count;
  }
  void value() const noexcept {}
};

// Sending to a full receiver fails, and only a socket that is connected to it can be waited for.
// When that has room the sender has none: what it sent before counts as the sender's until it is
// received. It has room again long before poll(2) says so, which is when three quarters are free,
// and that may never be; so it is asked now and then, too.
task<> unix_datagram::send_to(std::span<std::byte const> bytes, unix_address to,
                              std::span<int const> descriptors) {
  using namespace std::chrono_literals;
  detail::require_passable(descriptors);
  while (!co_await send_attempt(*this, bytes, to, descriptors)) {
    {
      auto const connected = detail::open_unix_socket(SOCK_DGRAM, "send", to);
      connect_to(connected, to, "send");
      co_await room_operation(*this, connected.get());
    }
    if (co_await send_attempt(*this, bytes, to, descriptors)) break;
    try {
      co_await with_timeout(20ms, room_operation(*this, get()));
    } catch (timed_out const&) {  // NOLINT(bugprone-empty-catch): then it is tried
    }
  }
}

unix_address unix_datagram::local() const {
  return detail::to_unix_address(detail::local_address(get()));
}

unix_address unix_datagram::peer() const {
  return detail::to_unix_address(detail::peer_address(get()));
}

void unix_datagram::set_receive_credentials(bool on) {
  detail::set_option(get(), SOL_SOCKET, SO_PASSCRED, "SO_PASSCRED", on ? 1 : 0);
}

}  // namespace weft::inline v0::net
