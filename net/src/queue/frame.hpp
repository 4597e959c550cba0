// What goes over a queue's connection after the handshake: frames that only the other end of this
// session can have made, in their order. A handshake alone does not protect what follows it.
//
//   4 bytes   how many bytes of contents follow, big-endian
//   contents
//   32 bytes  HMAC(the direction's session key, the frame's number (8 bytes, from 0) + the above)
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "queue/handshake.hpp"

namespace weft::inline v0::detail {

inline constexpr std::size_t frame_header_bytes = 4;

class frame_sealer {
 public:
  explicit frame_sealer(digest const& key) : hmac_(key) {}

  // Appends the frame to `out`. The contents have less than 4 GiB.
  void seal(std::span<std::byte const> contents, std::string& out);

 private:
  keyed_hmac hmac_;
  std::uint64_t number_ = 0;
};

// Takes bytes as they come, and yields the frames in them. A frame may be of any size up to the
// limit before it is known to be authentic; a larger one is refused by its header.
class frame_opener {
 public:
  frame_opener(digest const& key, std::size_t limit_bytes)
      : hmac_(key), limit_bytes_(limit_bytes) {}

  // From the next frame on.
  void set_limit(std::size_t bytes) noexcept { limit_bytes_ = bytes; }

  void feed(std::span<std::byte const> bytes);

  // The contents of the next frame that is whole; none until more bytes have come. Throws
  // net::frame_error, always again.
  std::optional<std::string> next();

 private:
  keyed_hmac hmac_;
  std::size_t limit_bytes_;
  std::uint64_t number_ = 0;
  std::string unread_;
  std::size_t begin_ = 0;
};

}  // namespace weft::inline v0::detail
