// Addresses of Unix sockets as values: a path in the file system, or an abstract name.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "weft/net/detail/socket_address.hpp"

namespace weft::inline v0::net {

// Where a Unix socket is. An abstract name lives in the kernel alone, in the network namespace, and
// goes with the socket; a path is a file, which stays. Ordered by kind (unnamed, abstract, path),
// then by the name. See unix(7), "Address format".
class WEFT_API unix_address {
 public:
  // The longest name.
  static constexpr std::size_t size_max = 107;

  // No address: that of a socket which was not bound. To bind there lets the kernel choose an
  // abstract name.
  constexpr unix_address() noexcept = default;

  // Throw std::invalid_argument with one line that quotes the text: for more than 107 bytes, for a
  // path that is empty or has a zero byte in it. An abstract name may be any bytes, or none.
  static unix_address path(std::string_view path);
  static unix_address abstract(std::string_view name);

  // Reads "@name" as an abstract name and everything else as a path; "./@name" is the file of such
  // a name. Throws as these do.
  static unix_address parse(std::string_view text);
  // Yields none where parse throws.
  static std::optional<unix_address> try_parse(std::string_view text);

  [[nodiscard]] constexpr bool is_unnamed() const noexcept { return size_ == 0; }
  [[nodiscard]] constexpr bool is_abstract() const noexcept { return size_ != 0 && bytes_[0] == 0; }
  [[nodiscard]] constexpr bool is_path() const noexcept { return size_ != 0 && bytes_[0] != 0; }

  // The path, or the abstract name; empty for no address. It lives as long as the address.
  [[nodiscard]] constexpr std::string_view name() const noexcept {
    return kernel_name().substr(is_abstract() ? 1 : 0);
  }

  // As in the kernel's sun_path: an abstract name after a zero byte, a path without one at its end.
  [[nodiscard]] constexpr std::string_view kernel_name() const noexcept {
    return {bytes_.data(), size_};
  }

  // The path, or "@" and the abstract name, for people: bytes that do not print are \xNN. As parse
  // reads it if it has none of those, and is no path that begins with "@". Empty for no address.
  [[nodiscard]] std::string to_string() const;

  friend constexpr bool operator==(unix_address const& a, unix_address const& b) noexcept {
    return a.kernel_name() == b.kernel_name();
  }
  friend constexpr std::strong_ordering operator<=>(unix_address const& a,
                                                    unix_address const& b) noexcept {
    return a.kernel_name() <=> b.kernel_name();
  }

 private:
  friend unix_address detail::to_unix_address(detail::socket_address const& from);

  explicit unix_address(std::string_view kernel_name) noexcept;

  std::array<char, size_max + 1> bytes_{};
  std::uint8_t size_ = 0;
};

}  // namespace weft::inline v0::net

template <>
struct std::hash<weft::net::unix_address> {
  std::size_t operator()(weft::net::unix_address const& value) const noexcept {
    return std::hash<std::string_view>()(value.kernel_name());
  }
};
