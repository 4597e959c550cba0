// The one way in which the library speaks: a hook. It never prints by itself, except before it
// aborts the program for a bug.
#pragma once

#include <string_view>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0 {

enum class log_level : unsigned char { info, warning, error };

// Receives one message, without a line end. May be called on any thread; must not throw.
using log_hook = void (*)(log_level level, std::string_view message) noexcept;

// Sets the hook for the whole process and returns the one before. Null brings back the default,
// which writes one line to stderr with a single write(2).
WEFT_API log_hook set_log_hook(log_hook hook) noexcept;

WEFT_API void log(log_level level, std::string_view message) noexcept;

}  // namespace weft::inline v0
