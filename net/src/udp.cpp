// Opening UDP sockets, their batches and their options.
#include "weft/net/udp.hpp"

#include <liburing.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "socket_address.hpp"
#include "socket_option.hpp"
#include "transfer.hpp"
#include "weft/error.hpp"

namespace weft::inline v0::net {

namespace {

using detail::option_of;
using detail::set_option;

// In blocking mode, in which the ring waits for it.
descriptor open_socket(endpoint const& for_this, char const* what) {
  int const family = for_this.address().is_v4() ? AF_INET : AF_INET6;
  int const fd = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP);
  if (fd < 0) detail::throw_system_error(errno, fmt::format("{} {}", what, for_this.to_string()));
  return descriptor::adopt(fd);
}

// The headers of a batch. Only as many as are used are filled in.
class batch {
 public:
  batch() noexcept {}  // NOLINT(modernize-use-equals-default): which would set all to zero
  batch(batch const&) = delete;
  batch& operator=(batch const&) = delete;

  [[nodiscard]] mmsghdr* headers() noexcept { return headers_.data(); }
  [[nodiscard]] mmsghdr const& operator[](std::size_t index) const noexcept {
    return headers_[index];
  }
  [[nodiscard]] sockaddr_in6& address(std::size_t index) noexcept { return addresses_[index]; }

  msghdr& set(std::size_t index, void* bytes, std::size_t size) noexcept {
    pieces_[index] = {bytes, size};
    headers_[index] = {};
    msghdr& header = headers_[index].msg_hdr;
    header.msg_iov = &pieces_[index];
    header.msg_iovlen = 1;
    return header;
  }

 private:
  std::array<mmsghdr, udp_socket::batch_max> headers_;
  std::array<iovec, udp_socket::batch_max> pieces_;
  std::array<sockaddr_in6, udp_socket::batch_max> addresses_;  // an IPv4 one is shorter
};

}  // namespace

udp_socket udp_socket::bind(endpoint const& at, udp_options const& options) {
  udp_socket opened(open_socket(at, "bind"));
  int const fd = opened.get();
  if (options.reuse_port) set_option(fd, SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT", 1);
  if (options.reuse_address) set_option(fd, SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR", 1);
  if (options.v6_only && at.address().is_v6())
    set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY", *options.v6_only ? 1 : 0);
  auto const address = detail::to_sockaddr(at);
  if (::bind(fd, address.get(), address.size) != 0)
    detail::throw_system_error(errno, "bind " + at.to_string());
  return opened;
}

udp_socket udp_socket::connect(endpoint const& peer) {
  udp_socket opened(open_socket(peer, "connect"));
  auto const address = detail::to_sockaddr(peer);
  if (::connect(opened.get(), address.get(), address.size) != 0)
    detail::throw_system_error(errno, "connect " + peer.to_string());
  return opened;
}

udp_socket udp_socket::adopt(int fd) {
  if (option_of(fd, SOL_SOCKET, SO_PROTOCOL, "SO_PROTOCOL") != IPPROTO_UDP)
    detail::throw_system_error(EINVAL, fmt::format("fd {} is no UDP socket", fd));
  return udp_socket(descriptor::adopt(fd));
}

bool udp_socket::receive_from_operation::prepare(io_uring_sqe& entry) const noexcept {
  ::io_uring_prep_recvmsg(&entry, fd, message_.header(), 0);
  if (tried) entry.ioprio |= IORING_RECVSEND_POLL_FIRST;
  return true;
}

int udp_socket::receive_from_operation::perform() noexcept {
  return detail::result_of(::recvmsg(fd, message_.header(), MSG_DONTWAIT));
}

datagram udp_socket::receive_from_operation::value() {
  return {.size = static_cast<std::size_t>(result_),
          .from = detail::to_endpoint(message_.from()),
          .truncated = message_.is_truncated()};
}

int udp_socket::send_to_operation::perform() noexcept {
  return detail::result_of(
      ::sendto(fd, bytes_.data(), bytes_.size(), MSG_DONTWAIT | MSG_NOSIGNAL, to_.get(), to_.size));
}

std::string udp_socket::send_to_operation::describe() const {
  return fmt::format("{} fd {} {}", name(), fd, detail::name_of(to_));
}

int udp_socket::receive_batch_operation::perform() noexcept {
  if (slots_.empty()) return 0;
  batch parts;
  std::size_t const count = std::min(slots_.size(), batch_max);
  for (std::size_t i = 0; i < count; ++i) {
    auto const into = slots_[i].buffer;
    msghdr& header = parts.set(i, into.data(), into.size());
    header.msg_name = &parts.address(i);
    header.msg_namelen = sizeof(sockaddr_in6);
  }
  int const result = detail::result_of(
      ::recvmmsg(fd, parts.headers(), static_cast<unsigned>(count), MSG_DONTWAIT, nullptr));
  for (std::size_t i = 0; static_cast<int>(i) < result; ++i) {
    msghdr const& header = parts[i].msg_hdr;
    auto const* const from = reinterpret_cast<sockaddr const*>(&parts.address(i));
    slots_[i].received = {.size = parts[i].msg_len,
                          .from = detail::from_sockaddr(from, header.msg_namelen),
                          .truncated = (header.msg_flags & MSG_TRUNC) != 0};
  }
  return result;
}

int udp_socket::send_batch_operation::perform() noexcept {
  if (slots_.empty()) return 0;
  batch parts;
  std::size_t const count = std::min(slots_.size(), batch_max);
  for (std::size_t i = 0; i < count; ++i) {
    send_slot const& slot = slots_[i];
    // sendmmsg(2) does not write through the pointer.
    msghdr& header = parts.set(i, const_cast<std::byte*>(slot.bytes.data()), slot.bytes.size());
    if (!slot.to) continue;
    auto const to = detail::to_sockaddr(*slot.to);
    std::memcpy(&parts.address(i), to.get(), to.size);
    header.msg_name = &parts.address(i);
    header.msg_namelen = to.size;
  }
  return detail::result_of(
      ::sendmmsg(fd, parts.headers(), static_cast<unsigned>(count), MSG_DONTWAIT | MSG_NOSIGNAL));
}

endpoint udp_socket::local() const { return detail::to_endpoint(detail::local_address(get())); }

endpoint udp_socket::peer() const { return detail::to_endpoint(detail::peer_address(get())); }

bool udp_socket::is_v6() const {
  return option_of(get(), SOL_SOCKET, SO_DOMAIN, "SO_DOMAIN") == AF_INET6;
}

void udp_socket::set_broadcast(bool on) {
  set_option(get(), SOL_SOCKET, SO_BROADCAST, "SO_BROADCAST", on ? 1 : 0);
}

namespace {

void change_membership(int fd, int option, char const* name, address const& group,
                       std::uint32_t interface_index) {
  group_req asked{};
  asked.gr_interface = interface_index != 0 ? interface_index : group.scope_id();
  auto const to = detail::to_sockaddr(endpoint(group, 0));
  std::memcpy(&asked.gr_group, to.get(), to.size);
  set_option(fd, group.is_v4() ? IPPROTO_IP : IPPROTO_IPV6, option, name,
             std::as_bytes(std::span(&asked, 1)));
}

}  // namespace

void udp_socket::join(address const& group, std::uint32_t interface_index) {
  change_membership(get(), MCAST_JOIN_GROUP, "MCAST_JOIN_GROUP", group, interface_index);
}

void udp_socket::leave(address const& group, std::uint32_t interface_index) {
  change_membership(get(), MCAST_LEAVE_GROUP, "MCAST_LEAVE_GROUP", group, interface_index);
}

void udp_socket::set_multicast_interface(std::uint32_t interface_index) {
  if (is_v6())
    return set_option(get(), IPPROTO_IPV6, IPV6_MULTICAST_IF, "IPV6_MULTICAST_IF", interface_index);
  ip_mreqn wanted{};
  wanted.imr_ifindex = static_cast<int>(interface_index);
  set_option(get(), IPPROTO_IP, IP_MULTICAST_IF, "IP_MULTICAST_IF",
             std::as_bytes(std::span(&wanted, 1)));
}

void udp_socket::set_multicast_ttl(int hops) {
  auto const count = static_cast<std::uint64_t>(hops);  // what is negative is refused as too much
  if (is_v6())
    set_option(get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, "IPV6_MULTICAST_HOPS", count);
  else
    set_option(get(), IPPROTO_IP, IP_MULTICAST_TTL, "IP_MULTICAST_TTL", count);
}

void udp_socket::set_multicast_loop(bool on) {
  if (is_v6())
    set_option(get(), IPPROTO_IPV6, IPV6_MULTICAST_LOOP, "IPV6_MULTICAST_LOOP", on ? 1 : 0);
  else
    set_option(get(), IPPROTO_IP, IP_MULTICAST_LOOP, "IP_MULTICAST_LOOP", on ? 1 : 0);
}

}  // namespace weft::inline v0::net
