// Takes the data of a record apart, field by field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>

namespace nslookup {

using bytes = std::span<std::byte const>;

// Each of these throws std::out_of_range when there is less than it takes.
class field_reader {
 public:
  explicit field_reader(bytes data) : rest_(data) {}

  bytes take(std::size_t count) {
    if (count > rest_.size()) throw std::out_of_range("the record ends within a field");
    auto const taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  bytes take_rest() { return take(rest_.size()); }

  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (auto const each : take(size)) value = value << 8 | std::to_integer<std::uint64_t>(each);
    return value;
  }
  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }

  // A length in one byte, and as many bytes.
  bytes counted() { return take(u8()); }

  bytes name() {
    auto const begin = rest_;
    while (!counted().empty()) {}
    return begin.first(begin.size() - rest_.size());
  }

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  bytes rest_;
};

}  // namespace nslookup
