// Streams over Unix sockets: connecting, listening, and what they carry besides bytes.
#include "weft/net/unix.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <stdexcept>

#include <fmt/format.h>

#include "passed_descriptors.hpp"
#include "socket_address.hpp"
#include "transfer.hpp"
#include "unix_socket.hpp"
#include "weft/error.hpp"
#include "weft/time.hpp"

namespace weft::inline v0 {

namespace detail {

std::pair<descriptor, descriptor> unix_socket_pair(int kind) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, kind | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw_system_error(errno, "socketpair");
  return {descriptor::adopt(ends[0]), descriptor::adopt(ends[1])};
}

net::credentials peer_credentials_of(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    throw_system_error(errno, fmt::format("SO_PEERCRED fd {}", fd));
  return {.pid = peer.pid, .uid = peer.uid, .gid = peer.gid};
}

}  // namespace detail

namespace net {

using detail::result_of;

std::pair<unix_stream, unix_stream> unix_stream::pair() {
  auto [first, second] = detail::unix_socket_pair(SOCK_STREAM);
  return {unix_stream(std::move(first)), unix_stream(std::move(second))};
}

unix_address unix_stream::local() const {
  return detail::to_unix_address(detail::local_address(get()));
}

unix_address unix_stream::peer() const {
  return detail::to_unix_address(detail::peer_address(get()));
}

credentials unix_stream::peer_credentials() const { return detail::peer_credentials_of(get()); }

unix_stream::send_descriptors_operation unix_stream::send_descriptors(
    std::span<std::byte const> bytes, std::span<int const> descriptors) {
  if (bytes.empty())
    throw std::invalid_argument("weft: descriptors need at least one byte to go with");
  detail::require_passable(descriptors);
  return {*this, bytes, descriptors};
}

unix_stream::receive_descriptors_operation unix_stream::receive_descriptors(
    std::span<std::byte> buffer, std::span<descriptor> places) {
  return {*this, buffer, places};
}

unix_stream::send_descriptors_operation::send_descriptors_operation(
    unix_stream& socket, std::span<std::byte const> bytes, std::span<int const> descriptors)
    : tried_operation(socket, bytes), descriptors_(descriptors) {}

int unix_stream::send_descriptors_operation::perform() noexcept {
  if (done_ == 0) {
    // sendmsg(2) does not write through the pointer.
    iovec piece{const_cast<std::byte*>(bytes_.data()), detail::length_of(bytes_.size())};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    detail::control_messages control;
    control.attach(message, descriptors_);
    int const result = result_of(::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
    if (result < 0) return result;
    done_ = static_cast<std::size_t>(result);
  }
  return writing_all::perform();
}

int unix_stream::receive_descriptors_operation::perform() noexcept {
  if (buffer_.empty()) return 0;
  iovec piece{buffer_.data(), detail::length_of(buffer_.size())};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  detail::control_messages control;
  control.make_room(message, places_.size());
  int const result = result_of(::recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
  if (result < 0) return result;
  auto const brought = detail::take_from(message, places_);
  received_ = {.size = static_cast<std::size_t>(result),
               .count = brought.descriptors,
               .descriptors_lost = brought.descriptors_lost};
  return result;
}

received_descriptors unix_stream::receive_descriptors_operation::value() noexcept {
  has_read();
  return received_;
}

unix_listener unix_listener::bind(unix_address const& at, unix_listen_options const& options) {
  unix_listener opened(detail::open_unix_socket(SOCK_STREAM | SOCK_NONBLOCK, "bind", at));
  opened.file_ = detail::bind_unix_socket(opened.descriptor_, SOCK_STREAM, at, options);
  if (::listen(opened.get(), options.backlog) != 0)
    detail::throw_system_error(errno, "listen " + at.to_string());
  return opened;
}

unix_address unix_listener::local() const {
  return detail::to_unix_address(detail::local_address(get()));
}

namespace {

using namespace std::chrono_literals;

// One try, which ends at once. Yields an empty stream when the backlog is full.
class connect_attempt final : public detail::awaitable_operation<connect_attempt, unix_stream> {
 public:
  explicit connect_attempt(unix_address const& peer) noexcept
      : awaitable_operation("connect"), peer_(peer) {}

  bool start() noexcept {
    result_ = attempt();
    if (result_ != 0) socket_ = {};
    if (result_ == -EAGAIN) result_ = 0;
    return true;
  }

  unix_stream value() noexcept { return std::move(socket_); }
  void cancel() noexcept override {}  // it never waits
  [[nodiscard]] std::string describe() const override { return "connect " + peer_.to_string(); }

 private:
  int attempt() noexcept {
    socket_ = unix_stream::adopt(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_) return -errno;
    auto const address = detail::to_sockaddr(peer_);
    int const connected = result_of(::connect(socket_.get(), address.get(), address.size));
    if (connected < 0) return connected;
    return result_of(::fcntl(socket_.get(), F_SETFL, 0));  // the ring waits in blocking mode only
  }

  unix_address const& peer_;
  unix_stream socket_;
};

}  // namespace

task<unix_stream> connect(unix_address peer) {
  constexpr std::chrono::milliseconds longest = 20ms;
  for (auto pause = 1ms;; pause = std::min(2 * pause, longest)) {
    unix_stream connected = co_await connect_attempt(peer);
    if (connected) co_return connected;
    co_await sleep_for(pause);
  }
}

}  // namespace net

}  // namespace weft::inline v0
