// Endpoints in the form in which they go into the kernel and come out of it. Operations on sockets
// hold one of these while they are in flight, so the public headers need no <sys/socket.h>.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "weft/detail/compiler.hpp"
#include "weft/net/endpoint.hpp"

struct sockaddr;  // <sys/socket.h>

namespace weft::inline v0::net {
class unix_address;  // weft/net/unix_address.hpp
}

namespace weft::inline v0::detail {

// Room for a socket address of any family: as large and as aligned as a sockaddr_storage. `size` is
// what of it is in use, or what the kernel may use; it is a socklen_t. See sockaddr(3type).
struct socket_address {
  alignas(8) std::array<std::byte, 128> storage{};
  std::uint32_t size = sizeof(storage);

  [[nodiscard]] sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(storage.data()); }
  [[nodiscard]] sockaddr const* get() const noexcept {
    return reinterpret_cast<sockaddr const*>(storage.data());
  }
};

WEFT_API socket_address to_sockaddr(net::endpoint const& endpoint) noexcept;
WEFT_API socket_address to_sockaddr(net::unix_address const& address) noexcept;

// Reads `size` bytes as a sockaddr_in or a sockaddr_in6. Throws std::system_error: EAFNOSUPPORT for
// another family, EINVAL for fewer bytes than the family needs.
WEFT_API net::endpoint from_sockaddr(sockaddr const* from, std::uint32_t size);
inline net::endpoint to_endpoint(socket_address const& from) {
  return from_sockaddr(from.get(), from.size);
}

// Reads it as a sockaddr_un of any size that recvfrom(2) or getsockname(2) yields; no bytes at all
// are no address. Throws as from_sockaddr does.
WEFT_API net::unix_address to_unix_address(socket_address const& from);

}  // namespace weft::inline v0::detail
