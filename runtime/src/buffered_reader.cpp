// The buffer of a reader: its memory, and the search for the ends of lines in it.
#include "weft/buffered_reader.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace weft::inline v0 {

line_too_long::line_too_long(std::size_t limit_bytes)
    : std::runtime_error(fmt::format("a line is longer than the limit of {} bytes", limit_bytes)),
      limit_bytes_(limit_bytes) {}

namespace detail {

read_buffer::read_buffer(std::size_t capacity) : capacity_(capacity) {
  if (capacity == 0) throw std::invalid_argument("weft: a buffered_reader needs a capacity");
}

std::span<std::byte> read_buffer::room() {
  if (empty()) begin_ = end_ = 0;
  if (memory_ == nullptr) {
    memory_ = std::make_unique_for_overwrite<std::byte[]>(capacity_);
  } else if (end_ == capacity_) {
    // A line is moved to the front at most once before it grows, and growing doubles: the bytes
    // moved are in proportion to the bytes read.
    bool const grows = begin_ == 0;
    auto const unread_bytes = unread();
    if (grows) {
      auto larger = std::make_unique_for_overwrite<std::byte[]>(capacity_ * 2);
      std::ranges::copy(unread_bytes, larger.get());
      memory_ = std::move(larger);
      capacity_ *= 2;
    } else {
      std::ranges::copy(unread_bytes, memory_.get());
      end_ -= std::exchange(begin_, 0);
    }
  }
  return {memory_.get() + end_, capacity_ - end_};
}

std::size_t read_buffer::take(std::span<std::byte> into) noexcept {
  auto const taken = unread().first(std::min(into.size(), unread().size()));
  std::ranges::copy(taken, into.data());
  begin_ += taken.size();
  return taken.size();
}

std::string_view read_buffer::text() const noexcept {
  return {reinterpret_cast<char const*>(unread().data()), unread().size()};
}

std::optional<std::string_view> read_buffer::take_until(std::string_view delimiter,
                                                        std::size_t limit, std::size_t& searched) {
  auto const bytes = text();
  auto const at = bytes.find(delimiter, searched);
  if (at == std::string_view::npos) {
    // The delimiter may have begun, but not before the limit any more.
    std::size_t const begun = std::min(bytes.size(), delimiter.size() - 1);
    searched = bytes.size() - begun;
    if (searched > limit) throw line_too_long(limit);
    return std::nullopt;
  }
  if (at > limit) throw line_too_long(limit);
  begin_ += at + delimiter.size();
  return bytes.substr(0, at);
}

std::optional<std::string_view> read_buffer::take_line(std::size_t limit, std::size_t& searched) {
  auto const bytes = text();
  auto const end = bytes.find('\n', searched);
  auto line = bytes.substr(0, end);  // so far, when there is no end
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.size() > limit) throw line_too_long(limit);
  if (end == std::string_view::npos) {
    searched = bytes.size();
    return std::nullopt;
  }
  begin_ += end + 1;
  return line;
}

std::optional<std::string_view> read_buffer::take_last_line(std::size_t limit) {
  if (empty()) return std::nullopt;
  auto const line = text();  // with a CR at its end, if any: no LF follows
  if (line.size() > limit) throw line_too_long(limit);
  begin_ = end_;
  return line;
}

}  // namespace detail
}  // namespace weft::inline v0
