// How a queue refuses what it is asked, in the same words whatever it is kept in.
#pragma once

#include <stdexcept>
#include <string>

#include <fmt/format.h>

#include "queue/message.hpp"
#include "weft/executor.hpp"
#include "weft/net/queue/error.hpp"

namespace weft::inline v0::detail {

inline void check_queue_name(std::string const& name) {
  if (name.size() > name_bytes_max)
    throw std::invalid_argument("weft: the name of a queue has more than 255 bytes");
}

[[noreturn]] inline void throw_closed(std::string const& queue) {
  throw net::queue_closed(fmt::format("weft: queue '{}' is closed", queue));
}

[[noreturn]] inline void throw_full(std::string const& queue) {
  throw queue_full(fmt::format("weft: queue '{}'", queue));
}

}  // namespace weft::inline v0::detail
