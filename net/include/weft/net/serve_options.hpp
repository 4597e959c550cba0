// What serve() is told, and what it counts.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "weft/net/stream_socket.hpp"

namespace weft::inline v0::net {

// What servers have done so far. Several may count in one. It only tells: setting it to zero
// changes nothing but the counts, of which `active` then misses the connections that are open.
struct serve_statistics {
  std::uint64_t accepted = 0;   // connections that a handler was started for
  std::uint64_t active = 0;     // those of them that have not ended
  std::uint64_t failed = 0;     // whose handler threw, other than cancelled
  std::uint64_t cancelled = 0;  // that were cut short
  std::uint64_t refused = 0;    // closed at once, with overload::refuse
  traffic bytes;
};

// What happens while max_connections are active.
enum class overload : unsigned char {
  wait,    // further ones wait: in the backlog, and one in the hands of each further listener
  refuse,  // further ones are accepted and closed
};

struct serve_options {
  std::size_t max_connections = std::numeric_limits<std::size_t>::max();  // at least 1
  overload at_limit = overload::wait;

  // How long after a stop request what has not ended is cancelled.
  std::chrono::nanoseconds drain = std::chrono::seconds(5);

  // Counted there if given. Borrowed until serve has ended and every stream that it accepted is
  // closed.
  serve_statistics* statistics = nullptr;
};

}  // namespace weft::inline v0::net
