// Text as bytes and back.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace support {

inline std::span<std::byte const> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

inline std::string text_of(std::span<std::byte const> bytes, std::size_t count) {
  return {reinterpret_cast<char const*>(bytes.data()), count};
}

}  // namespace support
