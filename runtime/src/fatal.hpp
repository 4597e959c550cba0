// How the library ends the program for a bug: one line on stderr that says what and where, then
// abort, so that a core dump shows the culprit.
#pragma once

#include <string_view>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::detail {

[[noreturn]] void fatal(std::string_view message) noexcept;

// For a system call that can fail only if the loop itself is broken.
[[noreturn]] void fatal(char const* call, int error) noexcept;

}  // namespace weft::inline v0::detail
