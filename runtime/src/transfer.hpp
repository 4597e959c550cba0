// How sizes go into transferring system calls, and how results come out of them.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

namespace weft::inline v0::detail {

// Longer transfers are cut, so that the count fits an int; see the limit in read(2).
inline unsigned length_of(std::size_t size) noexcept {
  return static_cast<unsigned>(std::min<std::size_t>(size, 0x7ffff000));
}

// What a system call returned as a value, or -errno.
inline int result_of(ssize_t returned) noexcept {
  return returned >= 0 ? static_cast<int>(returned) : -errno;
}

}  // namespace weft::inline v0::detail
