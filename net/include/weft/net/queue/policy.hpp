// What a queue does with tasks that nobody finishes, the same for every kind of queue.
#pragma once

#include <chrono>
#include <cstddef>

#include "weft/retry.hpp"

namespace weft::inline v0::net {

// Leases last from a millisecond to a year, delays no longer than that; attempts and capacity are
// at least 1, and values have at most a GiB.
struct queue_policy {
  // How many tasks a queue holds that are not done, or whose results nobody has taken; a put beyond
  // that waits, or fails.
  std::size_t capacity = 100'000;

  // How long the holder of a task may be silent before it is given to another.
  std::chrono::nanoseconds lease = std::chrono::seconds(30);

  // A task that has failed, or whose holder has gone, is delivered again, after a delay if it has
  // failed (`attempts` times in all); then it is dead: put aside, and told as a failed result.
  retry_options retry = {.attempts = 5,
                         .first_delay = std::chrono::seconds(1),
                         .factor = 2,
                         .longest_delay = std::chrono::minutes(1),
                         .jitter = 0.5};

  // The encoded value of a task or of a result has at most so many bytes.
  std::size_t value_limit_bytes = 1 << 20;
};

// What a put does while the queue holds as many tasks as it may.
enum class when_full : bool { wait, refuse };

// What a queue holds.
struct queue_depth {
  std::size_t ready = 0;    // to be taken
  std::size_t delayed = 0;  // to be tried again later
  std::size_t leased = 0;   // with a worker
  std::size_t dead = 0;     // given up
  std::size_t results = 0;  // not taken yet

  friend bool operator==(queue_depth const&, queue_depth const&) = default;
};

}  // namespace weft::inline v0::net
