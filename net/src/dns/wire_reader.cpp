// See wire_reader.hpp.
#include "dns/wire_reader.hpp"

#include <fmt/format.h>

#include "weft/net/dns/message.hpp"

namespace weft::inline v0::detail {

std::span<std::byte const> wire_reader::bytes(std::size_t count, char const* what) {
  if (count > left()) refuse(what, "the message ends before it does");
  auto const read = message_.subspan(at_, count);
  at_ += count;
  return read;
}

std::uint16_t wire_reader::u16(char const* what) {
  auto const read = bytes(2, what);
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(read[0]) << 8 |
                                    std::to_integer<unsigned>(read[1]));
}

std::uint32_t wire_reader::u32(char const* what) {
  std::uint32_t const high = u16(what);
  return high << 16 | u16(what);
}

wire_name wire_reader::name(char const* what) {
  constexpr unsigned pointers_max = 127;
  wire_name name;
  unsigned pointers = 0;
  std::size_t after = 0;     // the first pointer, where reading goes on
  std::size_t before = at_;  // what the next pointer must lead to
  for (;;) {
    auto const length = std::to_integer<unsigned>(bytes(1, what)[0]);
    if (length == 0) break;
    if (length <= wire_name::label_size_max) {
      if (!name.append(bytes(length, what))) refuse(what, "it is longer than 255 bytes");
      continue;
    }
    if (length < 0xc0) refuse(what, "it has a label of an unknown kind");
    std::size_t const target = (length & 0x3f) << 8 | std::to_integer<unsigned>(bytes(1, what)[0]);
    if (after == 0) after = at_;
    if (target >= before) refuse(what, "it leads in circles, or forwards");
    if (++pointers > pointers_max) refuse(what, "it leads through too many places");
    at_ = before = target;
  }
  if (after != 0) at_ = after;
  return name;
}

void wire_reader::refuse(char const* what, std::string_view reason) const {
  throw net::dns::malformed(fmt::format("no DNS message: {} at byte {}: {}", what, at_, reason));
}

}  // namespace weft::inline v0::detail
