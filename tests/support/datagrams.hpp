// UDP datagrams as text.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "support/bytes.hpp"
#include "weft/net/udp.hpp"
#include "weft/task.hpp"

namespace support {

struct received_text {
  std::string text;
  weft::net::endpoint from;
  bool truncated = false;
};

inline weft::task<received_text> receive_text(weft::net::udp_socket& from,
                                              std::size_t room = 2048) {
  std::vector<std::byte> buffer(room);
  weft::net::datagram const got = co_await from.receive_from(buffer);
  co_return {text_of(buffer, got.size), got.from, got.truncated};
}

// Slots with room for datagrams of 16 bytes.
struct slots {
  std::vector<std::array<std::byte, 16>> buffers;
  std::vector<weft::net::receive_slot> places;

  explicit slots(std::size_t count) : buffers(count) {
    for (auto& buffer : buffers) places.push_back({.buffer = buffer});
  }
};

}  // namespace support
