// Names on the wire, in full: labels with their lengths before them, and the empty one that ends
// them (RFC 1035, section 3.1).
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace weft::inline v0::detail {

class wire_name {
 public:
  static constexpr std::size_t size_max = 255;
  static constexpr std::size_t label_size_max = 63;

  // The root.
  wire_name() noexcept = default;

  [[nodiscard]] std::span<std::byte const> bytes() const noexcept {
    return std::span(bytes_).first(size_);
  }

  // Puts a label behind the others; false, with nothing changed, if there is no room.
  bool append(std::span<std::byte const> label) noexcept;

  // As dns/name.hpp says, with a dot at the end.
  [[nodiscard]] std::string text() const;

  // Whether the two differ in the case of ASCII letters at most (RFC 4343).
  [[nodiscard]] bool is_same(wire_name const& other) const noexcept;

 private:
  std::array<std::byte, size_max> bytes_{};
  std::size_t size_ = 1;
};

// The same text for all names that are one, of texts as wire_name and parse_name yield them: with
// small letters.
[[nodiscard]] std::string name_key(std::string_view text);

// Whether two such texts are one name.
[[nodiscard]] bool has_same_key(std::string_view left, std::string_view right) noexcept;

// Reads a name in ASCII with escapes, with or without a dot at the end. Yields null, or why it is
// none: the end of a sentence.
[[nodiscard]] char const* read_name(std::string_view text, wire_name& result);

// The same, throwing std::invalid_argument: `"text" is no name: REASON`.
[[nodiscard]] wire_name to_wire_name(std::string_view text);

}  // namespace weft::inline v0::detail
