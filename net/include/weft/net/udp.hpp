// UDP: sockets, connected and not, and their options. See udp(7), ip(7), ipv6(7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "weft/net/datagram_socket.hpp"
#include "weft/net/detail/incoming_message.hpp"
#include "weft/net/endpoint.hpp"

namespace weft::inline v0::net {

struct udp_options {
  // Several sockets, also of other processes, share the port, and the kernel spreads the senders
  // over them (SO_REUSEPORT).
  bool reuse_port = false;

  // Several sockets share the port, and each gets what is sent to a multicast group
  // (SO_REUSEADDR).
  bool reuse_address = false;

  // Whether an IPv6 socket takes IPv6 only; else the system's default, which is usually both.
  std::optional<bool> v6_only = std::nullopt;
};

// What has been received: `size` bytes are in the buffer, and more were in the datagram if it was
// truncated.
struct datagram {
  std::size_t size = 0;
  endpoint from;
  bool truncated = false;
};

// One place of a batch to be received: where a datagram goes, and then what it was.
struct receive_slot {
  std::span<std::byte> buffer;
  datagram received = {};

  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return buffer.first(received.size); }
};

// One datagram of a batch to be sent, to the peer if it says no other.
struct send_slot {
  std::span<std::byte const> bytes;
  std::optional<endpoint> to = std::nullopt;
};

// Move-only. What it has in common with other datagram sockets, and the contract of the operations,
// is in datagram_socket.
class WEFT_API udp_socket : public datagram_socket {
 public:
  class receive_from_operation;
  class send_to_operation;
  class receive_batch_operation;
  class send_batch_operation;

  // Of a batch, at most this many go in one call; the others are left as they are.
  static constexpr std::size_t batch_max = 64;

  udp_socket() noexcept = default;

  // Opens a socket at the endpoint, or at the text of one (see endpoint::parse); port 0 picks a
  // free one, at random. Throws std::system_error ("bind 127.0.0.1:53: Permission denied").
  static udp_socket bind(endpoint const& at, udp_options const& options = {});
  static udp_socket bind(std::string_view at, udp_options const& options = {}) {
    return bind(endpoint::parse(at), options);
  }

  // Opens a socket of which that is the peer, at an address that leads there and a port that the
  // kernel picks at random; it receives only what comes from the peer. Sends nothing, so it does
  // not wait. Throws std::system_error: ENETUNREACH where no route leads. See connect(2).
  static udp_socket connect(endpoint const& peer);
  static udp_socket connect(std::string_view peer) { return connect(endpoint::parse(peer)); }

  // Takes over a UDP socket, in blocking or non-blocking mode, which it stays in. Throws
  // std::system_error, when the descriptor stays the caller's: EINVAL when it is none.
  static udp_socket adopt(int fd);

  // Waits for a datagram, puts it into `buffer` and tells where it came from. An empty one is one,
  // too. Borrows `buffer` until completion, also after a cancellation, which takes none. See
  // recvmsg(2).
  [[nodiscard]] receive_from_operation receive_from(std::span<std::byte> buffer);

  // Sends a datagram there, connected or not. Otherwise as send().
  [[nodiscard]] send_to_operation send_to(std::span<std::byte const> bytes, endpoint const& to);

  // Waits for a datagram, and takes in one call what else is there: into the slots from the first
  // on. Yields how many it filled, 0 only for no slots. Borrows the slots and their buffers until
  // completion; slots beyond the count keep what they had. See recvmmsg(2).
  [[nodiscard]] receive_batch_operation receive_batch(std::span<receive_slot> slots);

  // Sends the slots in order, in one call, waiting for room for the first; yields how many it sent,
  // 0 only for no slots. Throws when the first cannot be sent; where another cannot, it yields the
  // number of those before. Borrows the slots and their bytes until completion. See sendmmsg(2).
  [[nodiscard]] send_batch_operation send_batch(std::span<send_slot const> slots);

  // Where it is, and where its peer is. They and the options throw std::system_error, ENOTCONN
  // where there is no peer. None of them waits.
  [[nodiscard]] endpoint local() const;
  [[nodiscard]] endpoint peer() const;

  // Whether it may send to broadcast addresses (SO_BROADCAST). Off at first.
  void set_broadcast(bool on);

  // Begins, and ends, to receive what is sent to a multicast group on the interface of that index;
  // 0 stands for the one of the group's scope or, without that, one that the kernel chooses. See
  // ip(7), IP_ADD_MEMBERSHIP.
  void join(address const& group, std::uint32_t interface_index = 0);
  void leave(address const& group, std::uint32_t interface_index = 0);

  // What it sends to groups leaves through the interface of that index; 0 lets the kernel choose.
  void set_multicast_interface(std::uint32_t interface_index);

  // How far what it sends to groups goes, as a TTL or hop limit from 0 (this machine) to 255; 1 at
  // first: this network.
  void set_multicast_ttl(int hops);

  // Whether sockets on this machine receive what it sends to groups, too. On at first.
  void set_multicast_loop(bool on);

 private:
  explicit udp_socket(descriptor&& opened) noexcept : datagram_socket(std::move(opened)) {}

  [[nodiscard]] bool is_v6() const;
};

class WEFT_API udp_socket::receive_from_operation final
    : public detail::tried_operation<receive_from_operation, datagram, detail::socket_operation> {
 public:
  receive_from_operation(udp_socket& socket, std::span<std::byte> into)
      : tried_operation("receive", socket.descriptor_, detail::interest::read), message_(into) {}
  bool prepare(io_uring_sqe& entry) const noexcept override;
  int perform() noexcept override;
  datagram value();

 private:
  detail::incoming_message message_;
};

class WEFT_API udp_socket::send_to_operation final
    : public detail::tried_operation<send_to_operation, void, detail::socket_operation> {
 public:
  send_to_operation(udp_socket& socket, std::span<std::byte const> bytes, endpoint const& to)
      : tried_operation("send", socket.descriptor_, detail::interest::write),
        bytes_(bytes),
        to_(detail::to_sockaddr(to)) {}
  int perform() noexcept override;
  void value() const noexcept {}
  [[nodiscard]] std::string describe() const override;

 private:
  std::span<std::byte const> bytes_;
  detail::socket_address to_;
};

class WEFT_API udp_socket::receive_batch_operation final
    : public detail::tried_operation<receive_batch_operation, std::size_t,
                                     detail::socket_operation> {
 public:
  receive_batch_operation(udp_socket& socket, std::span<receive_slot> slots)
      : tried_operation("receive", socket.descriptor_, detail::interest::read), slots_(slots) {}
  int perform() noexcept override;
  std::size_t value() const noexcept { return static_cast<std::size_t>(result_); }

 private:
  std::span<receive_slot> slots_;
};

class WEFT_API udp_socket::send_batch_operation final
    : public detail::tried_operation<send_batch_operation, std::size_t, detail::socket_operation> {
 public:
  send_batch_operation(udp_socket& socket, std::span<send_slot const> slots)
      : tried_operation("send", socket.descriptor_, detail::interest::write), slots_(slots) {}
  int perform() noexcept override;
  std::size_t value() const noexcept { return static_cast<std::size_t>(result_); }

 private:
  std::span<send_slot const> slots_;
};

inline udp_socket::receive_from_operation udp_socket::receive_from(std::span<std::byte> buffer) {
  return {*this, buffer};
}

inline udp_socket::send_to_operation udp_socket::send_to(std::span<std::byte const> bytes,
                                                         endpoint const& to) {
  return {*this, bytes, to};
}

inline udp_socket::receive_batch_operation udp_socket::receive_batch(
    std::span<receive_slot> slots) {
  return {*this, slots};
}

inline udp_socket::send_batch_operation udp_socket::send_batch(std::span<send_slot const> slots) {
  return {*this, slots};
}

}  // namespace weft::inline v0::net
