// How long a chain may hold its loop, as the program, WEFT_STALL or the kind of build says.
#pragma once

#include <chrono>
#include <optional>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::detail {

// What the program says; else WEFT_STALL; else 50 ms in a debug build of the library and nothing in
// others. Zero is off. Throws std::invalid_argument, which says what is accepted, for a WEFT_STALL
// that is neither a duration nor "off".
std::chrono::nanoseconds stall_threshold(std::optional<std::chrono::nanoseconds> wanted);

}  // namespace weft::inline v0::detail
