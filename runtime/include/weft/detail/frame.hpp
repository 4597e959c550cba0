// Memory for coroutine frames and chains: a per-thread free list for each size class, capped, over
// plain operator new. Frames are made and destroyed in nested order millions of times a second, so
// the block that was freed last is nearly always the one wanted next, and still in the cache.
#pragma once

#include <cstddef>
#include <new>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::detail {

struct frame_cache {
  static constexpr std::size_t granule = 16;          // bytes between two size classes
  static constexpr std::size_t classes = 128;         // the largest block kept is 2 KiB
  static constexpr std::size_t kept_bytes = 1 << 18;  // per class and thread

  struct block {
    block* next;
  };
  struct size_class {
    block* free;
    std::size_t room;  // how many more blocks may be kept
  };
  size_class lists[classes];
  std::size_t allocated;  // bytes that operator new gave this thread, less what it got back
};

// Trivial and constant-initialised, so that access is one segment-relative load. `room` starts at
// zero: the first block freed takes the slow path, which opens the cache for its thread.
extern constinit WEFT_API thread_local frame_cache frames;

// How many bytes this thread's frames and chains take up now. What one thread allocates and another
// frees is counted for both. For tests.
WEFT_API std::size_t frame_bytes_in_use() noexcept;

WEFT_API void* allocate_frame_slowly(std::size_t size);
WEFT_API void free_frame_slowly(void* memory, std::size_t size) noexcept;

inline void* allocate_frame(std::size_t size) {
  if constexpr (!WEFT_PLAIN_FRAMES) {
    std::size_t const index = (size - 1) / frame_cache::granule;
    if (index < frame_cache::classes) [[likely]] {
      auto& list = frames.lists[index];
      if (auto* block = list.free) [[likely]] {
        list.free = block->next;
        ++list.room;
        return block;
      }
    }
  }
  return allocate_frame_slowly(size);
}

inline void free_frame(void* memory, std::size_t size) noexcept {
  if constexpr (!WEFT_PLAIN_FRAMES) {
    std::size_t const index = (size - 1) / frame_cache::granule;
    if (index < frame_cache::classes) [[likely]] {
      auto& list = frames.lists[index];
      if (list.room != 0) [[likely]] {
        list.free = ::new (memory) frame_cache::block{list.free};
        --list.room;
        return;
      }
    }
  }
  free_frame_slowly(memory, size);
}

// Gives a class its memory from the frame lists.
struct framed {
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { free_frame(memory, size); }
};

}  // namespace weft::inline v0::detail
