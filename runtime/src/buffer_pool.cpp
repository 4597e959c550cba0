// Growing the pool of buffers, and its end.
#include "weft/detail/buffer_pool.hpp"

#include <new>
#include <utility>

namespace weft::inline v0::detail {

void buffer_pool::close() noexcept {
  closed_ = true;
  if (free_count_ == free_.size()) delete this;
}

bool buffer_pool::grow() noexcept {
  std::size_t const made = chunks_.size() * chunk_buffers;
  if (made == buffers_max) return false;
  try {
    chunks_.reserve(chunks_.size() + 1);
    auto chunk = std::make_unique_for_overwrite<std::byte[]>(chunk_buffers * buffer_size);
    free_.resize(made + chunk_buffers);
    chunks_.push_back(std::move(chunk));
  } catch (std::bad_alloc const&) {
    return false;
  }
  for (std::size_t i = chunk_buffers; i-- > 0;)
    free_[free_count_++] = static_cast<std::uint16_t>(made + i);
  return true;
}

}  // namespace weft::inline v0::detail
