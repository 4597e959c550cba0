// IP addresses as values: what endpoints are made of. Nothing here waits or keeps state; only names
// of network interfaces are asked of the kernel, when an address with a scope is parsed or printed.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::net {

// An IPv4 address, or an IPv6 address with the scope in which it holds (RFC 4291, RFC 4007). IPv4
// orders before IPv6, then the bytes decide, then the scope. An IPv4 address and its mapped form
// (::ffff:a.b.c.d) differ, and each question below is about the form at hand; see to_v4.
class WEFT_API address {
 public:
  // 0.0.0.0
  constexpr address() noexcept = default;

  // In network order.
  static constexpr address v4(std::span<std::byte const, 4> bytes) noexcept {
    address made;
    std::ranges::copy(bytes, made.bytes_.begin());
    return made;
  }
  // `scope_id` is the index of an interface, or 0 for none. The kernel uses it for link-local
  // addresses, and ignores it for the others; see ipv6(7).
  static constexpr address v6(std::span<std::byte const, 16> bytes,
                              std::uint32_t scope_id = 0) noexcept {
    address made;
    made.is_v6_ = true;
    std::ranges::copy(bytes, made.bytes_.begin());
    made.scope_id_ = scope_id;
    return made;
  }

  // What a server listens on to be reached by all addresses of its machine: 0.0.0.0 and ::.
  static constexpr address any_v4() noexcept { return {}; }
  static constexpr address any_v6() noexcept { return v6(std::array<std::byte, 16>{}); }

  // 127.0.0.1 and ::1.
  static constexpr address loopback_v4() noexcept {
    return v4(std::array{std::byte{127}, std::byte{0}, std::byte{0}, std::byte{1}});
  }
  static constexpr address loopback_v6() noexcept {
    std::array<std::byte, 16> bytes{};
    bytes.back() = std::byte{1};
    return v6(bytes);
  }

  // Reads what inet_pton(3) reads, and after an IPv6 address "%" with the index or the name of an
  // interface: "192.0.2.1", "2001:db8::1", "fe80::1%2", "fe80::1%eth0". A name must be known; an
  // index need not be. Asks the kernel for names, so std::system_error says that it could not be
  // asked (no descriptor left). Throws std::invalid_argument with one line that quotes the text.
  static address parse(std::string_view text);
  // Yields none where parse throws std::invalid_argument.
  static std::optional<address> try_parse(std::string_view text);

  [[nodiscard]] constexpr bool is_v4() const noexcept { return !is_v6_; }
  [[nodiscard]] constexpr bool is_v6() const noexcept { return is_v6_; }

  // 127.0.0.0/8 or ::1.
  [[nodiscard]] constexpr bool is_loopback() const noexcept {
    return is_v6_ ? bytes_ == loopback_v6().bytes_ : bytes_[0] == std::byte{127};
  }
  // 0.0.0.0 or ::.
  [[nodiscard]] constexpr bool is_unspecified() const noexcept {
    return bytes_ == std::array<std::byte, 16>{};
  }
  // 224.0.0.0/4 or ff00::/8.
  [[nodiscard]] constexpr bool is_multicast() const noexcept {
    return is_v6_ ? bytes_[0] == std::byte{0xff} : (bytes_[0] & std::byte{0xf0}) == std::byte{0xe0};
  }
  // ::ffff:0:0/96, as an IPv6 socket names its IPv4 peers.
  [[nodiscard]] constexpr bool is_v4_mapped() const noexcept {
    constexpr std::byte ones{0xff};
    return is_v6_ && std::ranges::all_of(bytes_.begin(), bytes_.begin() + 10, is_zero) &&
           bytes_[10] == ones && bytes_[11] == ones;
  }

  // An IPv4 address itself, a mapped one without the mapping, none for other IPv6 addresses.
  [[nodiscard]] constexpr std::optional<address> to_v4() const noexcept {
    if (!is_v6_) return *this;
    if (!is_v4_mapped()) return std::nullopt;
    return v4(std::span(bytes_).last<4>());
  }

  // 4 or 16 bytes in network order. They live as long as the address.
  [[nodiscard]] constexpr std::span<std::byte const> bytes() const noexcept {
    return std::span(bytes_).first(is_v6_ ? 16 : 4);
  }
  // The index of an interface, or 0 for none.
  [[nodiscard]] constexpr std::uint32_t scope_id() const noexcept { return scope_id_; }

  // As inet_ntop(3) prints it, which for IPv6 is the canonical text of RFC 5952. A scope follows as
  // the name of its interface, or as its index if no interface has it now.
  [[nodiscard]] std::string to_string() const;

  friend constexpr bool operator==(address const&, address const&) noexcept = default;
  friend constexpr std::strong_ordering operator<=>(address const&,
                                                    address const&) noexcept = default;

 private:
  static constexpr bool is_zero(std::byte byte) noexcept { return byte == std::byte{}; }

  // In the order in which addresses compare; an IPv4 address is the first four bytes.
  bool is_v6_ = false;
  std::array<std::byte, 16> bytes_{};
  std::uint32_t scope_id_ = 0;
};

static_assert(sizeof(address) == 24);

}  // namespace weft::inline v0::net

template <>
struct std::hash<weft::net::address> {
  WEFT_API std::size_t operator()(weft::net::address const& value) const noexcept;
};
