// How much work the programs of this comparison are given.
#pragma once

#include <cstddef>

namespace executors {

inline constexpr std::size_t jobs_at_once = 1'000;
inline constexpr std::size_t items_of_map = 1'000'000;
inline constexpr std::size_t items_of_queue = 300'000;

}  // namespace executors
