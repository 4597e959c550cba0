// How the programs of a contest measure: an operation is repeated until it has taken long enough,
// and the nanoseconds of one are printed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>

namespace bench {

inline constexpr std::chrono::milliseconds measured_for{400};

class stopwatch {
 public:
  // Whether to go on; says the number of operations that were done since the last call.
  bool goes_on(std::size_t done) {
    if (begun_ == clock::time_point()) {  // what came before was to warm up
      begun_ = clock::now();
      return true;
    }
    operations_ += done;
    elapsed_ = clock::now() - begun_;
    return elapsed_ < measured_for;
  }

  void print() const {
    std::printf("%.1f\n", std::chrono::duration<double, std::nano>(elapsed_).count() /
                              static_cast<double>(operations_));
  }

 private:
  using clock = std::chrono::steady_clock;

  clock::time_point begun_;
  clock::duration elapsed_{};
  std::size_t operations_ = 0;
};

}  // namespace bench
