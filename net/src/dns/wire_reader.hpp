// Reads the bytes of a message one thing after another, and believes none of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "dns/name.hpp"

namespace weft::inline v0::detail {

// Every function throws net::dns::malformed, which says what was read and where, when it is not
// there.
class wire_reader {
 public:
  explicit wire_reader(std::span<std::byte const> message) noexcept : message_(message) {}

  [[nodiscard]] std::size_t at() const noexcept { return at_; }
  [[nodiscard]] std::size_t left() const noexcept { return message_.size() - at_; }
  [[nodiscard]] std::span<std::byte const> rest() const noexcept { return message_.subspan(at_); }

  std::uint16_t u16(char const* what);
  std::uint32_t u32(char const* what);
  std::span<std::byte const> bytes(std::size_t count, char const* what);

  // A name, also where its end stands elsewhere in the message (RFC 1035, section 4.1.4). What
  // pointers lead to must stand before, and there are no more of them than a name has labels, so
  // that no name takes longer to read than any other.
  wire_name name(char const* what);

  [[noreturn]] void refuse(char const* what, std::string_view reason) const;

 private:
  std::span<std::byte const> message_;
  std::size_t at_ = 0;
};

}  // namespace weft::inline v0::detail
