// A datagram socket: what UDP and Unix datagrams have in common. All is tried at once, which is
// cheaper than asking the kernel to wait, and waits only when there is nothing, or no room.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "weft/net/socket_base.hpp"

namespace weft::inline v0::net {

// One receive and one send may be in flight at a time; a second one at once is a bug of the caller
// and throws std::logic_error (a debug build aborts). Every operation resumes on the loop's thread;
// it throws cancelled, or std::system_error with its name and the peer's. A datagram is sent whole
// or not at all, and received once: a receive that is cancelled takes none. An error that comes
// back from the network, such as ECONNREFUSED, is told once, by the next operation on a connected
// socket whatever that is; the socket stays usable.
class WEFT_API datagram_socket : public socket_base {
 public:
  class receive_operation;
  class send_operation;

  // Waits for a datagram and puts it into `buffer`; yields its size, which may be 0. What does not
  // fit is lost, which receive_from tells and this does not. Borrows `buffer` until completion,
  // also after a cancellation. See recv(2).
  [[nodiscard]] receive_operation receive(std::span<std::byte> buffer);

  // Sends a datagram, perhaps an empty one, to the peer that the socket is connected to, waiting
  // for room in the socket's buffer. Borrows `bytes` until completion. Cancelled, it sent nothing.
  // Throws std::system_error: EMSGSIZE when it is too long to go as one, EDESTADDRREQ when there is
  // no peer. See send(2).
  [[nodiscard]] send_operation send(std::span<std::byte const> bytes);

 protected:
  datagram_socket() noexcept = default;
  explicit datagram_socket(descriptor&& opened) noexcept : socket_base(std::move(opened)) {}
};

class WEFT_API datagram_socket::receive_operation final
    : public detail::tried_operation<receive_operation, std::size_t, detail::socket_operation> {
 public:
  receive_operation(datagram_socket& socket, std::span<std::byte> into)
      : tried_operation("receive", socket.descriptor_, detail::interest::read), buffer_(into) {}
  bool prepare(io_uring_sqe& entry) const noexcept override;
  int perform() noexcept override;
  std::size_t value() const noexcept { return static_cast<std::size_t>(result_); }

 private:
  std::span<std::byte> buffer_;
};

class WEFT_API datagram_socket::send_operation final
    : public detail::tried_operation<send_operation, void, detail::socket_operation> {
 public:
  send_operation(datagram_socket& socket, std::span<std::byte const> bytes)
      : tried_operation("send", socket.descriptor_, detail::interest::write), bytes_(bytes) {}
  int perform() noexcept override;
  void value() const noexcept {}

 private:
  std::span<std::byte const> bytes_;
};

inline datagram_socket::receive_operation datagram_socket::receive(std::span<std::byte> buffer) {
  return {*this, buffer};
}

inline datagram_socket::send_operation datagram_socket::send(std::span<std::byte const> bytes) {
  return {*this, bytes};
}

}  // namespace weft::inline v0::net
