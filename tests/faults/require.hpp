// The checks of the fault programs: what does not hold is thrown, with the line.
#pragma once

#include <source_location>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

inline void require(bool holds, std::string const& what,
                    std::source_location at = std::source_location::current()) {
  if (!holds) throw std::runtime_error(fmt::format("line {}: {}", at.line(), what));
}

inline void require_says(std::string_view text, std::string_view part,
                         std::source_location at = std::source_location::current()) {
  require(text.find(part) != text.npos, fmt::format("\"{}\" does not say \"{}\"", text, part), at);
}
