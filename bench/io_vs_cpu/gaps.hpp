// How responsive a loop or a thread is: the gaps between the ticks of a clock of 1 ms that runs on
// it beside the work.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace io_vs_cpu {

inline constexpr std::chrono::milliseconds tick_length{1};

class gaps {
 public:
  using clock = std::chrono::steady_clock;

  void start() noexcept { last_ = clock::now(); }

  void tick() {
    auto const now = clock::now();
    add(now - last_);
    last_ = now;
  }

  // The work has ended: a tick that is late by now counts as well.
  void finish() {
    if (clock::now() - last_ > tick_length) tick();
  }

  // What 99 % of the ticks that were due have not exceeded. A gap of 50 ms counts as one of 50, one
  // of 49, and so on, since that is what each tick in it would have waited; else one long stop
  // would be one gap among many short ones.
  [[nodiscard]] std::chrono::nanoseconds p99() const {
    if (waited_.empty()) return {};
    auto sorted = waited_;
    std::ranges::sort(sorted);
    return sorted[(sorted.size() - 1) * 99 / 100];
  }

  [[nodiscard]] std::chrono::nanoseconds worst() const {
    return waited_.empty() ? std::chrono::nanoseconds(0) : std::ranges::max(waited_);
  }

 private:
  void add(std::chrono::nanoseconds gap) {
    waited_.push_back(gap);
    for (gap -= tick_length; gap >= tick_length; gap -= tick_length) waited_.push_back(gap);
  }

  clock::time_point last_;
  std::vector<std::chrono::nanoseconds> waited_;
};

}  // namespace io_vs_cpu
