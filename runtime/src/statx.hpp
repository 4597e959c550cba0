// statx(2), as a file_status.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include "weft/file_status.hpp"

namespace weft::inline v0::detail {

inline constexpr unsigned statx_wanted = STATX_BASIC_STATS | STATX_BTIME;

file_status status_of(struct statx const& found) noexcept;

// From the type in a mode of stat(2).
file_type type_of(unsigned mode) noexcept;

}  // namespace weft::inline v0::detail
