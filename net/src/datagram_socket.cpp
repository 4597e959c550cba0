// The operations on datagram sockets that need no address. They are tried at once; a receive that
// must wait has a ring form, which spares the second call, and a send then waits for readiness.
#include "weft/net/datagram_socket.hpp"

#include <liburing.h>
#include <sys/socket.h>

#include "transfer.hpp"

namespace weft::inline v0::net {

using detail::length_of;
using detail::result_of;

bool datagram_socket::receive_operation::prepare(io_uring_sqe& entry) const noexcept {
  ::io_uring_prep_recv(&entry, fd, buffer_.data(), length_of(buffer_.size()), 0);
  if (tried) entry.ioprio |= IORING_RECVSEND_POLL_FIRST;
  return true;
}

int datagram_socket::receive_operation::perform() noexcept {
  return result_of(::recv(fd, buffer_.data(), length_of(buffer_.size()), MSG_DONTWAIT));
}

int datagram_socket::send_operation::perform() noexcept {
  return result_of(::send(fd, bytes_.data(), bytes_.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
}

}  // namespace weft::inline v0::net
