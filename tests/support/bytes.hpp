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

inline std::string text_of(std::span<std::byte const> bytes) {
  return text_of(bytes, bytes.size());
}

// Text of that size in which any displaced byte shows.
inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 997);
  return text;
}

}  // namespace support
