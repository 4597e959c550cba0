// The slow paths of the frame lists: the first use on a thread, an empty list, a full one.
#include "weft/detail/frame.hpp"

namespace weft::inline v0::detail {

constinit thread_local frame_cache frames{};

namespace {

constexpr std::size_t block_size(std::size_t index) { return (index + 1) * frame_cache::granule; }

// Opens the thread's lists on construction, and empties and closes them when the thread ends. What
// is freed after that finds no room and goes straight to operator delete.
struct frame_cache_owner {
  frame_cache_owner() {
    for (std::size_t i = 0; i < frame_cache::classes; ++i)
      frames.lists[i].room = frame_cache::kept_bytes / block_size(i);
  }
  ~frame_cache_owner() {
    for (std::size_t i = 0; i < frame_cache::classes; ++i) {
      auto& list = frames.lists[i];
      list.room = 0;
      while (auto* block = list.free) {
        list.free = block->next;
        frames.allocated -= block_size(i);
        ::operator delete(block, block_size(i));
      }
    }
  }
  frame_cache_owner(frame_cache_owner const&) = delete;
  frame_cache_owner& operator=(frame_cache_owner const&) = delete;
};

bool kept(std::size_t size) {
  return !WEFT_PLAIN_FRAMES && (size - 1) / frame_cache::granule < frame_cache::classes;
}

// A block that may be kept has its class's full size, so that any frame of the class fits.
std::size_t whole_size(std::size_t size) {
  return kept(size) ? block_size((size - 1) / frame_cache::granule) : size;
}

}  // namespace

void* allocate_frame_slowly(std::size_t size) {
  if (kept(size)) {
    // Allocating comes before freeing on any thread, and a function-local thread_local is
    // constructed once and destroyed with the thread.
    static thread_local frame_cache_owner owner;
    (void)owner;
  }
  void* const memory = ::operator new(whole_size(size));
  frames.allocated += whole_size(size);
  return memory;
}

void free_frame_slowly(void* memory, std::size_t size) noexcept {
  frames.allocated -= whole_size(size);
  ::operator delete(memory, whole_size(size));
}

std::size_t frame_bytes_in_use() noexcept {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < frame_cache::classes; ++i)
    for (auto const* block = frames.lists[i].free; block != nullptr; block = block->next)
      kept += block_size(i);
  return frames.allocated - kept;
}

}  // namespace weft::inline v0::detail
