// What a child process of the fork server is started with.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::detail {

// What it calls; yields its exit code. The descriptors are the child's.
using child_entry = int (*)(void (*function)(), std::span<std::byte const> arguments,
                            std::vector<int>& descriptors);

struct child_start {
  child_entry entry;
  void (*function)() = nullptr;
  std::span<std::byte const> arguments;
  std::span<int const> descriptors;
};

}  // namespace weft::inline v0::detail
