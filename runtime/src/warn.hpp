// Warnings that need no memory, for where the want of it must not get in the way.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include <fmt/format.h>

#include "weft/log.hpp"

namespace weft::inline v0::detail {

// Longer ones are cut.
template <class... Args>
void warn(fmt::format_string<Args const&...> text, Args const&... args) noexcept {
  std::array<char, 512> line{};
  auto const written = fmt::format_to_n(line.data(), line.size(), text, args...);
  log(log_level::warning, {line.data(), std::min<std::size_t>(written.size, line.size())});
}

}  // namespace weft::inline v0::detail
