// The worker's own process of a process_pool.
#pragma once

#include <cstdint>

#include "weft/detail/child_entry.hpp"

namespace weft::inline v0::detail {

// The arguments of the child that is a worker. Its descriptors: the memory that it shares with the
// program, and its end of the socket.
struct worker_start {
  void (*initializer)();
  std::uint64_t memory_limit;
};

// A child_entry.
int work_for_pool(void (*function)(), std::span<std::byte const> arguments,
                  std::vector<int>& descriptors);

}  // namespace weft::inline v0::detail
