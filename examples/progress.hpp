// A line on a terminal that tells how far something is, drawn again and again in one place.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

struct progress {
  std::uint64_t done = 0;
  std::uint64_t in_flight = 0;
  std::optional<double> share;  // of all there is to do, 0 to 1; none when that is not known
  std::chrono::nanoseconds elapsed{0};
};

// "[#######-------------]  35 %  12345 done  1000 in flight  9876/s  0:23 left"
std::string progress_text(progress const& shown, double a_second);

// On stderr.
class progress_line {
 public:
  void draw(progress const& now);
  void clear();

 private:
  // The rate is that of the last seconds, not of all the time before.
  double rate_ = 0;
  std::uint64_t last_done_ = 0;
  std::chrono::nanoseconds last_elapsed_{0};
};
