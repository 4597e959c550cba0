// Text as a string of JSON (RFC 8259).
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

namespace weft::inline v0::detail {

inline std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (char const c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out += '"';
}

}  // namespace weft::inline v0::detail
