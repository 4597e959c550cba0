// How a queue refuses what it is asked, in the same words whatever it is kept in.
#pragma once

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

#include "queue/message.hpp"
#include "weft/executor.hpp"
#include "weft/net/queue/error.hpp"
#include "weft/net/queue/policy.hpp"

namespace weft::inline v0::detail {

inline void check_queue_name(std::string const& name) {
  if (name.size() > name_bytes_max)
    throw std::invalid_argument("weft: the name of a queue has more than 255 bytes");
}

// What no arithmetic of ours goes wrong with.
inline void check_queue_policy(net::queue_policy const& policy) {
  constexpr std::chrono::hours longest(24 * 365);
  auto const fits = [&](std::chrono::nanoseconds time, std::chrono::nanoseconds least) {
    return time >= least && time <= longest;
  };
  if (!fits(policy.lease, std::chrono::milliseconds(1)))
    throw std::invalid_argument("weft: leases of a queue last a millisecond to a year");
  if (!fits(policy.retry.first_delay, {}) || !fits(policy.retry.longest_delay, {}))
    throw std::invalid_argument("weft: delays of a queue last no longer than a year");
  if (policy.retry.attempts < 1 || policy.capacity < 1)
    throw std::invalid_argument("weft: a queue with a capacity or attempts below 1");
  if (policy.value_limit_bytes > std::size_t{1} << 30)
    throw std::invalid_argument("weft: values of a queue have at most a GiB");
}

[[noreturn]] inline void throw_closed(std::string const& queue) {
  throw net::queue_closed(fmt::format("weft: queue '{}' is closed", queue));
}

[[noreturn]] inline void throw_full(std::string const& queue) {
  throw queue_full(fmt::format("weft: queue '{}'", queue));
}

}  // namespace weft::inline v0::detail
