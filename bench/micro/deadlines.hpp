// The deadlines that both sides' timer benchmarks use: spread, so that no data structure gets them
// in order, and far enough away that none passes during a run.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

inline constexpr std::size_t pending_timers = 200'000;

class far_delays {
 public:
  // Between 1,000 and 2,073 seconds from now.
  std::chrono::nanoseconds next() noexcept {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;  // Knuth's MMIX generator
    return std::chrono::seconds(1000) + std::chrono::nanoseconds(state_ >> 24);
  }

 private:
  std::uint64_t state_ = 1;
};
