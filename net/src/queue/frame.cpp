// See frame.hpp.
#include "queue/frame.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "weft/net/queue/error.hpp"

namespace weft::inline v0::detail {

namespace {

template <std::size_t Size>
std::array<std::byte, Size> big_endian(std::uint64_t number) noexcept {
  std::array<std::byte, Size> bytes{};
  for (std::size_t i = 0; i < Size; ++i)
    bytes[Size - 1 - i] = static_cast<std::byte>(number >> (8 * i) & 0xff);
  return bytes;
}

void append(std::string& to, std::span<std::byte const> bytes) {
  to.append(reinterpret_cast<char const*>(bytes.data()), bytes.size());
}

}  // namespace

void frame_sealer::seal(std::span<std::byte const> contents, std::string& out) {
  auto const header = big_endian<frame_header_bytes>(contents.size());
  auto const seal = hmac_.of({big_endian<8>(number_++), header, contents});
  out.reserve(out.size() + header.size() + contents.size() + seal.size());  // all of it, or none
  append(out, header);
  append(out, contents);
  append(out, seal);
}

void frame_opener::feed(std::span<std::byte const> bytes) {
  if (begin_ > unread_.size() / 2) {  // so that what is moved is less than what was read
    unread_.erase(0, begin_);
    begin_ = 0;
  }
  append(unread_, bytes);
}

std::optional<std::string> frame_opener::next() {
  auto const unread = std::as_bytes(std::span(unread_)).subspan(begin_);
  if (unread.size() < frame_header_bytes) return std::nullopt;
  auto const header = unread.first(frame_header_bytes);
  std::size_t size = 0;
  for (std::byte const each : header) size = size << 8 | std::to_integer<std::size_t>(each);
  if (size > limit_bytes_)
    throw net::frame_error(
        fmt::format("weft: a frame of {} bytes came over a queue's connection, which takes {}",
                    size, limit_bytes_));
  if (unread.size() < frame_header_bytes + size + digest_bytes) return std::nullopt;
  auto const contents = unread.subspan(frame_header_bytes, size);
  auto const seal = unread.subspan(frame_header_bytes + size, digest_bytes);
  if (!are_equal(seal, hmac_.of({big_endian<8>(number_), header, contents})))
    throw net::frame_error(
        fmt::format("weft: frame {} of a queue's connection is not authentic", number_));
  ++number_;
  begin_ += frame_header_bytes + size + digest_bytes;
  return std::string(reinterpret_cast<char const*>(contents.data()), size);
}

}  // namespace weft::inline v0::detail
