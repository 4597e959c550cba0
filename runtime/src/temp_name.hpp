// Names for files that get their final name when they are whole.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "loop.hpp"

namespace weft::inline v0::detail {

// To begin with; one that is taken is followed by the next. On the loop's thread.
inline std::uint64_t random_number() noexcept {
  return loop::of(*running_chain("weft::fs").loop).kernel().random();
}

// With the slash at its end; empty where the path has none.
inline std::string_view directory_of(std::string_view path) noexcept {
  return path.substr(0, path.rfind('/') + 1);
}

// A name in the same directory.
inline std::string temp_name_beside(std::string_view path, std::uint64_t number) {
  return fmt::format("{}.weft-{:016x}", directory_of(path), number);
}

}  // namespace weft::inline v0::detail
