// The operations on datagram sockets. They are tried at once; a receive that must wait has a ring
// form, which spares the second call, and a send then waits for readiness.
#include "weft/net/datagram_socket.hpp"

#include <liburing.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include "socket_address.hpp"
#include "socket_option.hpp"
#include "transfer.hpp"

namespace weft::inline v0 {

namespace detail {

static_assert(sizeof(msghdr) + sizeof(iovec) == 72);

incoming_message::incoming_message(std::span<std::byte> into) noexcept {
  auto* const piece = new (storage_.data() + sizeof(msghdr)) iovec{into.data(), into.size()};
  header_ = new (storage_.data()) msghdr{};
  header_->msg_name = address_.storage.data();
  header_->msg_namelen = address_.size;
  header_->msg_iov = piece;
  header_->msg_iovlen = 1;
}

socket_address const& incoming_message::from() noexcept {
  address_.size = header_->msg_namelen;
  return address_;
}

bool incoming_message::is_truncated() const noexcept {
  return (header_->msg_flags & MSG_TRUNC) != 0;
}

}  // namespace detail

namespace net {

using detail::length_of;
using detail::result_of;

namespace {

// A receive that has been tried will wait; without this hint the kernel would try it again first.
void wait_first(io_uring_sqe& entry, bool tried) noexcept {
  if (tried) entry.ioprio |= IORING_RECVSEND_POLL_FIRST;
}

}  // namespace

bool datagram_socket::receive_operation::prepare(io_uring_sqe& entry) const noexcept {
  ::io_uring_prep_recv(&entry, fd, buffer_.data(), length_of(buffer_.size()), 0);
  wait_first(entry, tried);
  return true;
}

int datagram_socket::receive_operation::perform() noexcept {
  return result_of(::recv(fd, buffer_.data(), length_of(buffer_.size()), MSG_DONTWAIT));
}

int datagram_socket::send_operation::perform() noexcept {
  return result_of(::send(fd, bytes_.data(), bytes_.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
}

int datagram_socket::send_to_operation::perform() noexcept {
  return result_of(
      ::sendto(fd, bytes_.data(), bytes_.size(), MSG_DONTWAIT | MSG_NOSIGNAL, to_.get(), to_.size));
}

std::string datagram_socket::send_to_operation::describe() const {
  return fmt::format("{} fd {} {}", name(), fd, detail::name_of(to_));
}

bool datagram_socket::receiving_from::prepare(io_uring_sqe& entry) const noexcept {
  ::io_uring_prep_recvmsg(&entry, fd, message_.header(), 0);
  wait_first(entry, tried);
  return true;
}

int datagram_socket::receiving_from::perform() noexcept {
  return result_of(::recvmsg(fd, message_.header(), MSG_DONTWAIT));
}

void datagram_socket::set_send_buffer_size(std::size_t bytes) {
  detail::set_option(get(), SOL_SOCKET, SO_SNDBUF, "SO_SNDBUF", bytes);
}

void datagram_socket::set_receive_buffer_size(std::size_t bytes) {
  detail::set_option(get(), SOL_SOCKET, SO_RCVBUF, "SO_RCVBUF", bytes);
}

}  // namespace net

}  // namespace weft::inline v0
