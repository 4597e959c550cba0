// What the two ends of a queue's connection say to each other inside the frames: values of msgpack,
// one after another. docs/queue-protocol.md has them all.
//
//   request   number, operation, queue, arguments
//   answer    the request's number, a queue_status, values
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "weft/detail/codec.hpp"
#include "weft/net/queue/error.hpp"

namespace weft::inline v0::detail {

enum class queue_status : std::uint8_t { done, closed, full, refused, cancelled };

// Names of queues and keys of tasks are no longer; what a worker says of a failure is cut there.
inline constexpr std::size_t name_bytes_max = 255;
inline constexpr std::size_t error_bytes_max = 4'096;

// What a frame has room for beyond one value.
inline constexpr std::size_t frame_overhead_bytes = 65'536;
inline constexpr std::size_t entry_overhead_bytes = 32;  // of a value in a list, at most

// The next of `all` from `begin` that a batch of so many bytes has room for, at least one: yields
// the end of them.
template <class All, class Size>
std::size_t end_of_batch(All const& all, std::size_t begin, std::size_t batch_bytes, Size size) {
  auto end = begin;
  for (std::size_t used = 0; end < all.size(); ++end) {
    used += size(all[end]) + entry_overhead_bytes;
    if (end != begin && used > batch_bytes) break;
  }
  return end;
}

// The beginning of a text in UTF-8, of at most so many bytes.
inline std::string_view cut_text(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  return text.substr(0, most);
}

// A string that travels as bytes, which need be no text.
inline msgpack::type::raw_ref blob(std::string_view bytes) {
  return {bytes.data(), static_cast<std::uint32_t>(bytes.size())};
}

// The values, one after another. What they refer to is copied.
template <class... Values>
std::string message_of(Values const&... values) {
  byte_sink bytes;
  encode(bytes, values...);
  auto const made = bytes.bytes();
  return {reinterpret_cast<char const*>(made.data()), made.size()};
}

// Calls `read`, which takes values out of a message. Throws frame_error when they are not there.
template <class Read>
auto read_values(Read read) {
  try {
    return read();
  } catch (msgpack::unpack_error const&) {
    throw net::frame_error("weft: a queue's message that is no msgpack");
  } catch (msgpack::type_error const&) {
    throw net::frame_error("weft: a queue's message with values of the wrong kind");
  }
}

inline byte_source values_in(std::string_view message) {
  constexpr std::size_t nesting = 4;  // lists of lists are all there is
  return byte_source(std::as_bytes(std::span(message)), nesting);
}

}  // namespace weft::inline v0::detail
