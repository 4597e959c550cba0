// Datagrams over Unix sockets: none is lost or reordered, and a full receiver makes the senders
// wait. See unix(7).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "weft/net/datagram_socket.hpp"
#include "weft/net/unix.hpp"
#include "weft/task.hpp"

namespace weft::inline v0::net {

// What has been received: `size` bytes are in the buffer, and `count` descriptors in the places for
// them. Bytes that did not fit, and descriptors that found no place or no free number in this
// process, are lost.
struct unix_message {
  std::size_t size = 0;
  unix_address from;  // none for a sender that is not bound
  bool truncated = false;
  std::size_t count = 0;
  bool descriptors_lost = false;
  std::optional<credentials> sender = std::nullopt;  // see set_receive_credentials
};

// What it has in common with other datagram sockets, and the contract of the operations, is in
// datagram_socket. It owns the file that it made, as unix_listener does.
class WEFT_API unix_datagram : public datagram_socket {
 public:
  class receive_from_operation;
  class send_descriptors_operation;

  unix_datagram() noexcept = default;

  // Opens a socket at the address; no address lets the kernel choose an abstract one. Throws
  // std::system_error ("bind /run/log: Address already in use").
  static unix_datagram bind(unix_address const& at, unix_bind_options const& options = {});
  static unix_datagram bind(std::string_view at, unix_bind_options const& options = {}) {
    return bind(unix_address::parse(at), options);
  }

  // Opens a socket of which that is the peer, at an abstract address that the kernel chooses, where
  // the peer can answer; it receives only what comes from the peer. Throws std::system_error
  // ("connect /run/log: Connection refused").
  static unix_datagram connect(unix_address const& peer);
  static unix_datagram connect(std::string_view peer) { return connect(unix_address::parse(peer)); }

  // Two that are connected to each other. Throws std::system_error. See socketpair(2).
  static std::pair<unix_datagram, unix_datagram> pair();

  // Takes over a Unix datagram socket, but not its file, in blocking or non-blocking mode, which it
  // stays in. Throws std::system_error, when the descriptor stays the caller's: EINVAL when it is
  // none.
  static unix_datagram adopt(int fd);

  void close() {
    file_.remove();
    datagram_socket::close();
  }
  int release() noexcept {
    file_.forget();
    return datagram_socket::release();
  }

  // Waits for a datagram, puts it into `buffer` and the descriptors that came with it into
  // `places`, close-on-exec; what was open there is closed. receive() closes those that come.
  // Borrows the buffer and the places until completion, also after a cancellation, which takes no
  // datagram. See recvmsg(2), unix(7).
  [[nodiscard]] receive_from_operation receive_from(std::span<std::byte> buffer,
                                                    std::span<descriptor> places = {});

  // Sends a datagram there, with duplicates of the descriptors, at most 253, waiting while the
  // receiver has no room. Borrows the bytes, the list, and the descriptors in it until the task
  // ends. Throws as send() does, with the name of the receiver, and std::invalid_argument for too
  // many descriptors.
  [[nodiscard]] task<> send_to(std::span<std::byte const> bytes, unix_address to,
                               std::span<int const> descriptors = {});

  // The same to the peer.
  [[nodiscard]] send_descriptors_operation send_descriptors(std::span<std::byte const> bytes,
                                                            std::span<int const> descriptors);

  // These and the option throw std::system_error: ENOTCONN where there is no peer. None of them
  // waits.
  [[nodiscard]] unix_address local() const;
  [[nodiscard]] unix_address peer() const;

  // Whether receive_from tells who sent a datagram (SO_PASSCRED). Off at first.
  void set_receive_credentials(bool on);

 private:
  class send_attempt;
  class room_operation;

  explicit unix_datagram(descriptor&& opened) noexcept : datagram_socket(std::move(opened)) {}

  detail::socket_file file_;
};

class WEFT_API unix_datagram::receive_from_operation final
    : public detail::tried_operation<receive_from_operation, unix_message,
                                     detail::socket_operation> {
 public:
  receive_from_operation(unix_datagram& socket, std::span<std::byte> buffer,
                         std::span<descriptor> places)
      : tried_operation("receive", socket.descriptor_, detail::interest::read),
        buffer_(buffer),
        places_(places) {}
  int perform() noexcept override;
  unix_message const& value() const noexcept { return received_; }

 private:
  std::span<std::byte> buffer_;
  std::span<descriptor> places_;
  unix_message received_;
};

class WEFT_API unix_datagram::send_descriptors_operation final
    : public detail::tried_operation<send_descriptors_operation, void, detail::socket_operation> {
 public:
  send_descriptors_operation(unix_datagram& socket, std::span<std::byte const> bytes,
                             std::span<int const> descriptors)
      : tried_operation("send", socket.descriptor_, detail::interest::write),
        bytes_(bytes),
        descriptors_(descriptors) {}
  int perform() noexcept override;
  void value() const noexcept {}

 private:
  std::span<std::byte const> bytes_;
  std::span<int const> descriptors_;
};

inline unix_datagram::receive_from_operation unix_datagram::receive_from(
    std::span<std::byte> buffer, std::span<descriptor> places) {
  return {*this, buffer, places};
}

}  // namespace weft::inline v0::net
