// Leased memory: a read() that waits holds none; the buffer comes with the bytes, from the loop's
// pool, and goes back there when it is destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "weft/detail/buffer_pool.hpp"

namespace weft::inline v0 {

// Bytes that were read, at most `buffer::capacity` of them. Move-only; belongs to the thread of the
// loop that leased it. Empty (false) at the end of a stream, and once moved from.
class buffer {
 public:
  static constexpr std::size_t capacity = detail::buffer_pool::buffer_size;

  buffer() noexcept = default;
  buffer(buffer&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        id_(other.id_) {}
  buffer& operator=(buffer&& other) noexcept {
    buffer old(std::move(other));
    std::swap(pool_, old.pool_);
    std::swap(data_, old.data_);
    std::swap(size_, old.size_);
    std::swap(id_, old.id_);
    return *this;
  }
  ~buffer() {
    if (pool_ != nullptr) pool_->give_back(id_);
  }

  explicit operator bool() const noexcept { return size_ != 0; }

  [[nodiscard]] std::byte* data() noexcept { return data_; }
  [[nodiscard]] std::byte const* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::byte* begin() noexcept { return data_; }
  [[nodiscard]] std::byte* end() noexcept { return data_ + size_; }
  [[nodiscard]] std::byte const* begin() const noexcept { return data_; }
  [[nodiscard]] std::byte const* end() const noexcept { return data_ + size_; }

  // The bytes as characters; a view, valid as long as the buffer.
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<char const*>(data_), size_};
  }

 private:
  friend detail::buffer_pool;

  buffer(detail::buffer_pool& pool, std::uint16_t id, std::byte* data, std::uint32_t size) noexcept
      : pool_(&pool), data_(data), size_(size), id_(id) {}

  detail::buffer_pool* pool_ = nullptr;
  std::byte* data_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint16_t id_ = 0;
};

inline buffer detail::buffer_pool::lease(std::uint16_t id, std::size_t size) noexcept {
  return {*this, id, at(id), static_cast<std::uint32_t>(size)};
}

}  // namespace weft::inline v0
