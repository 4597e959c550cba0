// metrics: what the loop on this thread has done so far and has in hand, and the pools of the
// program; as a struct, as text, and as JSON.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "weft/detail/compiler.hpp"
#include "weft/executor.hpp"

namespace weft::inline v0 {

// How often numbers of which size came: those that have i binary digits, in bucket i. Adding takes
// a few instructions.
class power_histogram {
 public:
  void add(std::uint64_t value) noexcept {
    ++counts_[static_cast<unsigned>(std::bit_width(value))];
  }

  [[nodiscard]] std::uint64_t count() const noexcept {
    std::uint64_t all = 0;
    for (auto const each : counts_) all += each;
    return all;
  }

  // What `percent` of the numbers do not exceed, rounded up to one below a power of two. 0 of none.
  [[nodiscard]] std::uint64_t percentile(double percent) const noexcept {
    auto const wanted = std::ceil(static_cast<double>(count()) * percent / 100);
    std::uint64_t seen = 0;
    for (std::size_t digits = 0; digits < counts_.size(); ++digits) {
      seen += counts_[digits];
      if (seen > 0 && static_cast<double>(seen) >= wanted)
        return digits == 64 ? UINT64_MAX : (std::uint64_t{1} << digits) - 1;
    }
    return 0;
  }

 private:
  std::array<std::uint64_t, 65> counts_{};
};

// Operations of one name: "read", "sleep", "channel receive".
struct operation_metrics {
  std::string name;
  std::uint64_t done = 0;       // that have ended, also by being cancelled
  std::uint64_t in_flight = 0;  // chains that wait for one
};

// A pool of this program: of threads, wherever it was made, or of processes, made on this thread.
struct pool_metrics {
  std::string name;
  std::size_t size = 0;  // of its threads or processes
  executor_stats stats;
};

struct loop_metrics {
  std::string backend;
  std::uint64_t ticks = 0;    // passes of the loop, each with one call of the kernel at most
  std::uint64_t resumes = 0;  // of chains
  power_histogram ready;      // how many chains each tick resumed; at most 256
  power_histogram waited;     // nanoseconds that the last of a tick has waited for the others

  std::uint64_t bytes_read = 0;     // by stream sockets, pipes and files
  std::uint64_t bytes_written = 0;  // likewise

  std::size_t chains = 0;     // that have not ended
  std::size_t timers = 0;     // sleeps and deadlines that are pending
  std::size_t in_flight = 0;  // operations that the kernel has
  std::size_t blocking = 0;   // operations that the loop's blocking pool has
  std::size_t jobs = 0;       // of this loop's, that pools have

  std::vector<operation_metrics> operations;  // by name
  std::vector<pool_metrics> pools;            // in the order in which they were made
};

// Of the loop that runs on this thread. Walks over all chains, to count what is in flight; resumes
// nothing. Aborts where no task is running.
[[nodiscard]] WEFT_API loop_metrics metrics();

// In lines for people, and as one object of JSON, which has times in seconds.
[[nodiscard]] WEFT_API std::string to_text(loop_metrics const& metrics);
[[nodiscard]] WEFT_API std::string to_json(loop_metrics const& metrics);

}  // namespace weft::inline v0
