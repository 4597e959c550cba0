// Buffers of the loop's pool that the kernel may choose from when bytes arrive, so that a waiting
// read holds none. Only as many as are used up in a tick are provided: few buffers that come round
// quickly stay in the cache. See io_uring_register_buf_ring(3), Linux 5.19.
#pragma once

#include <liburing.h>
#include <sys/mman.h>

#include <algorithm>
#include <utility>

#include "weft/detail/buffer_pool.hpp"
#include "weft/detail/chain.hpp"

namespace weft::inline v0::detail {

class provided_buffers {
 public:
  provided_buffers() noexcept = default;
  provided_buffers(provided_buffers const&) = delete;
  provided_buffers& operator=(provided_buffers const&) = delete;
  ~provided_buffers() {
    if (entries_ != nullptr) ::munmap(entries_, bytes);
  }

  // Registers the buffers with the ring, the first time; false where the kernel has no such thing.
  bool set_up(io_uring& ring) noexcept {
    if (entries_ != nullptr || refused_) return !refused_;
    void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    refused_ = memory == MAP_FAILED;
    if (refused_) return false;
    io_uring_buf_reg registered{};
    registered.ring_addr = reinterpret_cast<std::uint64_t>(memory);
    registered.ring_entries = capacity;
    registered.bgid = buffer_pool::ring_group;
    refused_ = ::io_uring_register_buf_ring(&ring, &registered, 0) != 0;
    if (refused_) {
      ::munmap(memory, bytes);
      return false;
    }
    entries_ = static_cast<io_uring_buf_ring*>(memory);
    ::io_uring_buf_ring_init(entries_);
    pool_ = current_loop->buffers;
    fill();
    return true;
  }

  // The kernel has taken one.
  void taken() noexcept { --provided_; }

  // A read found none: let there be more.
  void ran_out() noexcept { ran_out_ = true; }

  // Provides what is missing.
  void fill() noexcept {
    if (std::exchange(ran_out_, false)) wanted_ = std::min(2 * wanted_, capacity);
    if (entries_ == nullptr || provided_ >= wanted_) return;
    int added = 0;
    for (; provided_ < wanted_; ++provided_, ++added) {
      std::uint16_t const id = pool_->take();
      if (id == buffer_pool::none) break;
      ids_[tail_++ % capacity] = id;
      ::io_uring_buf_ring_add(entries_, pool_->at(id), buffer_pool::buffer_size, id,
                              io_uring_buf_ring_mask(capacity), added);
    }
    ::io_uring_buf_ring_advance(entries_, added);
  }

  // Returns what the kernel has not taken; only when nothing is in flight any more.
  void give_back() noexcept {
    // The kernel takes them in the order in which they were provided.
    for (; provided_ != 0; --provided_) pool_->give_back(ids_[--tail_ % capacity]);
  }

 private:
  static constexpr unsigned capacity = 1024;
  static constexpr std::size_t bytes = capacity * sizeof(io_uring_buf);

  io_uring_buf_ring* entries_ = nullptr;
  buffer_pool* pool_ = nullptr;
  unsigned provided_ = 0;
  unsigned wanted_ = 32;
  unsigned tail_ = 0;
  bool ran_out_ = false;
  bool refused_ = false;
  std::uint16_t ids_[capacity]{};
};

}  // namespace weft::inline v0::detail
