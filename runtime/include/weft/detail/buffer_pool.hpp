// The buffers that a loop leases: numbered, all of one size, allocated a megabyte at a time. The
// one that came back last goes out first, because it is still in the cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0 {

class buffer;

namespace detail {

class WEFT_API buffer_pool {
 public:
  // A cache line more than 16 KiB: a message of that size does not fill the buffer, which would
  // look as if more were to come, and the buffers do not all begin in the same set of the cache.
  static constexpr std::size_t buffer_size = 16'384 + 64;
  static constexpr std::uint16_t none = 0xffff;   // no buffer's number
  static constexpr std::uint16_t ring_group = 0;  // what the kernel knows them by

  // A pool is deleted through close(), when the last lease is back.
  static buffer_pool* open() { return new buffer_pool; }
  void close() noexcept;

  // Takes a buffer out; `none` when there is no memory, or too many are out.
  [[nodiscard]] std::uint16_t take() noexcept {
    if (free_count_ == 0 && !grow()) [[unlikely]]
      return none;
    return free_[--free_count_];
  }

  void give_back(std::uint16_t id) noexcept {
    free_[free_count_++] = id;  // has room for all
    if (closed_) [[unlikely]]
      close();
  }

  [[nodiscard]] std::byte* at(std::uint16_t id) const noexcept {
    return chunks_[id / chunk_buffers].get() + id % chunk_buffers * buffer_size;
  }

  // Makes a lease of a buffer that was taken out.
  [[nodiscard]] inline buffer lease(std::uint16_t id, std::size_t size) noexcept;

 private:
  static constexpr std::size_t chunk_buffers = 64;
  static constexpr std::size_t buffers_max = none / chunk_buffers * chunk_buffers;

  buffer_pool() = default;
  ~buffer_pool() = default;

  bool grow() noexcept;

  std::vector<std::unique_ptr<std::byte[]>> chunks_;
  std::vector<std::uint16_t> free_;  // a stack with room for all
  std::size_t free_count_ = 0;
  bool closed_ = false;
};

}  // namespace detail
}  // namespace weft::inline v0
