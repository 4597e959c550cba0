// The buffer of a writer.
#include "weft/buffered_writer.hpp"

#include <algorithm>
#include <exception>
#include <stdexcept>

#include "warn.hpp"

namespace weft::inline v0::detail {

write_buffer::write_buffer(std::size_t capacity) : capacity_(capacity) {
  if (capacity == 0) throw std::invalid_argument("weft: a buffered_writer needs a capacity");
}

write_buffer::~write_buffer() {
  if (empty() || failed_ || std::uncaught_exceptions() > 0) return;
  warn("a buffered_writer was destroyed with {} bytes not flushed", unwritten().size());
}

std::size_t write_buffer::append(std::span<std::byte const> bytes) {
  if (memory_ == nullptr) memory_ = std::make_unique_for_overwrite<std::byte[]>(capacity_);
  auto const taken = bytes.first(std::min(bytes.size(), capacity_ - end_));
  std::ranges::copy(taken, memory_.get() + end_);
  end_ += taken.size();
  failed_ = false;
  return taken.size();
}

void write_buffer::written(std::size_t count) noexcept {
  begin_ += count;
  failed_ = false;
  if (empty()) begin_ = end_ = 0;
}

}  // namespace weft::inline v0::detail
