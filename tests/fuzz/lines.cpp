// Lines and delimited pieces are what splitting the whole text at once would yield, whatever the
// text and however it arrives.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "check.hpp"
#include "weft/buffered_reader.hpp"

namespace {

// Yields the bytes in pieces of a size that changes, as a connection might.
class arrival {
 public:
  arrival(std::string_view text, std::uint8_t seed) : left_(text), seed_(seed) {}

  std::size_t into(std::span<std::byte> room) {
    seed_ = static_cast<std::uint8_t>(seed_ * 5 + 3);
    auto const count = std::min({left_.size(), room.size(), std::size_t{seed_} % 17 + 1});
    if (count != 0) std::memcpy(room.data(), left_.data(), count);
    left_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view left_;
  std::uint8_t seed_;
};

std::size_t fill(weft::detail::read_buffer& buffer, arrival& from) {
  auto const room = buffer.room();
  check(!room.empty());
  auto const count = from.into(room);
  buffer.filled(count);
  return count;
}

// As buffered_reader::line does it.
std::optional<std::string_view> next_line(weft::detail::read_buffer& buffer, arrival& from,
                                          std::size_t limit) {
  for (std::size_t searched = 0;;) {
    if (auto const found = buffer.take_line(limit, searched)) return found;
    if (fill(buffer, from) == 0) return buffer.take_last_line(limit);
  }
}

// The line at the front of the text, which is taken off; nothing at the end.
std::optional<std::string_view> expected_line(std::string_view& text) {
  if (text.empty()) return std::nullopt;
  auto const end = text.find('\n');
  auto line = text.substr(0, end);
  text.remove_prefix(std::min(text.size(), end == text.npos ? end : end + 1));
  if (end != text.npos && line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

void check_lines(std::string_view text, std::size_t capacity, std::size_t limit,
                 std::uint8_t seed) {
  weft::detail::read_buffer buffer(capacity);
  arrival from(text, seed);
  try {
    for (;;) {
      auto const line = next_line(buffer, from, limit);
      auto const expected = expected_line(text);
      check(line == expected);
      if (!line) return;
      check(line->size() <= limit);
    }
  } catch (weft::line_too_long const&) {
    auto const expected = expected_line(text);
    check(expected && expected->size() > limit);
  }
}

void check_delimited(std::string_view text, std::string_view delimiter, std::size_t capacity,
                     std::size_t limit, std::uint8_t seed) {
  weft::detail::read_buffer buffer(capacity);
  arrival from(text, seed);
  try {
    for (std::size_t searched = 0;;) {
      if (auto const found = buffer.take_until(delimiter, limit, searched)) {
        auto const end = text.find(delimiter);
        check(end != text.npos && *found == text.substr(0, end));
        text.remove_prefix(end + delimiter.size());
        searched = 0;
      } else if (fill(buffer, from) == 0) {
        check(text.find(delimiter) == text.npos && buffer.unread().size() == text.size());
        return;
      }
    }
  } catch (weft::line_too_long const&) {
    check(text.find(delimiter) > limit);
  }
}

}  // namespace

// The first four bytes choose; the others are the text.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size < 4) return 0;
  std::string_view text(reinterpret_cast<char const*>(data), size);
  std::size_t const capacity = data[0] % 64 + 1;
  std::size_t const limit = data[1];
  auto const delimiter = text.substr(4, data[3] % 4 + 1);
  text.remove_prefix(4);
  check_lines(text, capacity, limit, data[2]);
  if (!delimiter.empty()) check_delimited(text, delimiter, capacity, limit, data[2]);
  return 0;
}
