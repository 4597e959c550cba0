// One of those that are compared: the programs that it consists of.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "support/child_process.hpp"

namespace queue_bench {

// How many workers, and how large a value.
struct row {
  std::size_t workers;
  std::size_t bytes;

  [[nodiscard]] std::string name() const;  // "w4-64"
  [[nodiscard]] std::string what() const;  // for people
};

enum class kind {
  queue,
  queue_on_redis,
  raw,              // only throughput
  redis_benchmark,  // only its own figures, and of requests
};

struct contender {
  std::string name;
  kind what;
  std::size_t batch;
  std::vector<std::string> program = {};  // with its first arguments
  std::vector<std::pair<std::string, std::string>> environment = {};
  bool stalls = false;  // with large values
};

// What the others are compared with. TCP_NODELAY is set for it: as it comes, it stalls.
inline constexpr char const* python_name = "Python, no delay";

// All that this machine has the programs of, in the order of the tables; a word on stderr for what
// is left out.
std::vector<contender> all_contenders();

// NaN where it was not measured.
struct sample {
  double per_second;  // tasks; of redis-benchmark, requests
  double p50_us;      // from the put of a batch to a result in hand, while nothing else is done
  double p99_us;
  double processor_us;  // of all processes, per task
};

struct effort {
  double seconds;     // of each of the two phases
  std::size_t tasks;  // that are put before their results are got
  bool is_pinned;     // servers and masters to processor 0, workers to processor 1

  [[nodiscard]] std::optional<int> on(int processor) const {
    return is_pinned ? std::optional(processor) : std::nullopt;
  }
};

// Starts the programs, measures once, and ends them.
sample measure(contender const& of, row const& at, effort const& with);

}  // namespace queue_bench
