// The servers that are compared: the raw ones, which are the limits, the peers, and Weft's.
#pragma once

#include <string>
#include <vector>

#include "support/server_process.hpp"

namespace bench {

struct server {
  std::string key;  // what the command line calls it
  child_command command;
  bool in_ring;  // it runs on io_uring
};

// What they echo.
enum class serving { streams, datagrams };

// The keys of the two that the others are measured against.
inline constexpr char const* ring_limit = "uring";
inline constexpr char const* epoll_limit = "epoll";

// Those with these keys, or all, in the order of the tables. What was not built is left out, with a
// word on stderr. Throws std::invalid_argument for a key that means nothing.
std::vector<server> servers_called(std::vector<std::string> const& keys,
                                   serving what = serving::streams);

}  // namespace bench
