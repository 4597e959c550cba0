// How places in the source are written in dumps and reports, and the places where a chain waits.
#pragma once

#include <algorithm>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "weft/detail/chain.hpp"

namespace weft::inline v0::detail {

// Build directories put "../" in front of what the compiler was given.
inline std::string_view file_of(std::source_location const& where) {
  std::string_view file = where.file_name();
  while (file.starts_with("../")) file.remove_prefix(3);
  return file;
}

inline std::string place_of(std::source_location const& where) {
  return fmt::format("{}:{}", file_of(where), where.line());
}

// The line of each co_await from the spawned task down to the operation; none while it runs.
inline std::vector<std::source_location> awaits_of(chain const& waiting) {
  std::vector<std::source_location> awaits;
  if (waiting.pending == nullptr) return awaits;
  for (auto const* at = waiting.pending->awaiting; at != nullptr; at = at->parent)
    awaits.push_back(at->where);
  std::ranges::reverse(awaits);
  return awaits;
}

}  // namespace weft::inline v0::detail
