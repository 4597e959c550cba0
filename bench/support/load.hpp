// What a closed loop of clients does to a server and learns about it: each client has one request
// outstanding and sends the next when it has the answer. The clients share the bench's one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

namespace bench {

// When clients stop sending: at the time or after the number of requests, whichever is first.
struct limit {
  std::chrono::steady_clock::time_point time = std::chrono::steady_clock::time_point::max();
  std::uint64_t requests = std::numeric_limits<std::uint64_t>::max();

  static limit after(std::chrono::nanoseconds duration) {
    return {.time = std::chrono::steady_clock::now() + duration};
  }
  static limit of(std::uint64_t requests) { return {.requests = requests}; }
};

// From the first request to the last answer; every request is answered.
struct phase {
  std::chrono::nanoseconds elapsed{0};
  std::vector<std::uint32_t> latencies;  // of each request, in nanoseconds

  [[nodiscard]] std::uint64_t requests() const noexcept { return latencies.size(); }
};

// Nanoseconds on the clock that a limit is on.
inline std::int64_t monotonic_now() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// A load, on a server it is connected to. Throws when an answer is wrong or does not come.
using load = std::function<phase(limit const&)>;

}  // namespace bench
