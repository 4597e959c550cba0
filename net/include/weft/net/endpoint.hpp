// Endpoints as values: where a connection leads or a server listens.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "weft/detail/compiler.hpp"
#include "weft/net/address.hpp"

namespace weft::inline v0::net {

// An IP address and a port, of TCP or of UDP. Ordered by address, then by port.
class WEFT_API endpoint {
 public:
  // 0.0.0.0:0
  constexpr endpoint() noexcept = default;

  // Port 0 lets the kernel choose one when listening.
  constexpr endpoint(net::address address, std::uint16_t port) noexcept
      : address_(address), port_(port) {}

  // Reads "192.0.2.1:80", "[2001:db8::1]:80" or "[fe80::1%eth0]:80" (RFC 5952, section 6): an
  // address as address::parse reads it, and a port in decimal, 0 to 65535. Throws as address::parse
  // does.
  static endpoint parse(std::string_view text);
  // Yields none where parse throws std::invalid_argument.
  static std::optional<endpoint> try_parse(std::string_view text);

  [[nodiscard]] constexpr net::address const& address() const noexcept { return address_; }
  [[nodiscard]] constexpr std::uint16_t port() const noexcept { return port_; }

  // As parse reads it, with the address as address::to_string prints it.
  [[nodiscard]] std::string to_string() const;

  friend constexpr bool operator==(endpoint const&, endpoint const&) noexcept = default;
  friend constexpr std::strong_ordering operator<=>(endpoint const&,
                                                    endpoint const&) noexcept = default;

 private:
  net::address address_;
  std::uint16_t port_ = 0;
};

}  // namespace weft::inline v0::net

template <>
struct std::hash<weft::net::endpoint> {
  WEFT_API std::size_t operator()(weft::net::endpoint const& value) const noexcept;
};
