// A ring of at most `capacity` items, allocated once.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::detail {

template <class T>
class ring {
 public:
  explicit ring(std::size_t capacity)
      : items_(capacity != 0 ? std::allocator<T>().allocate(capacity) : nullptr),
        capacity_(capacity) {}
  ring(ring const&) = delete;
  ring& operator=(ring const&) = delete;
  ~ring() {
    while (!empty()) pop();
    if (items_ != nullptr) std::allocator<T>().deallocate(items_, capacity_);
  }

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] bool full() const noexcept { return size_ == capacity_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

  void push(T&& item) noexcept {
    std::size_t const end = first_ + size_;
    std::construct_at(items_ + (end < capacity_ ? end : end - capacity_), std::move(item));
    ++size_;
  }

  T pop() noexcept {
    T& front = items_[first_];
    T taken(std::move(front));
    std::destroy_at(&front);
    if (++first_ == capacity_) first_ = 0;
    --size_;
    return taken;
  }

 private:
  T* items_;
  std::size_t capacity_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace weft::inline v0::detail
