// duration_histogram: how long things took, in the same memory for any number of them.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0 {

// Buckets grow in width with what they count, so that none is wider than 1 / 2^Bits of the values
// in it. Takes about 8 * 60 * 2^Bits bytes.
template <int Bits = 5>
class duration_histogram {
 public:
  // A negative duration counts as zero.
  void add(std::chrono::nanoseconds duration) noexcept {
    auto const value = static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0));
    ++counts_[bucket_of(value)];
    ++count_;
    largest_ = std::max(largest_, value);
  }

  // Adds all that another has counted.
  void add(duration_histogram const& other) noexcept {
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket)
      counts_[bucket] += other.counts_[bucket];
    count_ += other.count_;
    largest_ = std::max(largest_, other.largest_);
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

  [[nodiscard]] std::chrono::nanoseconds max() const noexcept {
    return std::chrono::nanoseconds(largest_);
  }

  // What `percent` of the durations do not exceed: exact, or above by less than the width of a
  // bucket. Zero of none.
  [[nodiscard]] std::chrono::nanoseconds percentile(double percent) const noexcept {
    auto const wanted = std::ceil(static_cast<double>(count_) * percent / 100);
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
      seen += counts_[bucket];
      if (seen > 0 && static_cast<double>(seen) >= wanted)
        return std::chrono::nanoseconds(std::min(last_in(bucket), largest_));
    }
    return max();
  }

 private:
  // Values below 2^(Bits + 1) have a bucket each; each further power of two is divided into 2^Bits.
  static constexpr std::uint64_t width = 1U << Bits;

  static constexpr std::size_t bucket_of(std::uint64_t value) noexcept {
    int const shift = std::max(static_cast<int>(std::bit_width(value)) - Bits - 1, 0);
    return static_cast<std::size_t>(shift) * width + (value >> shift);
  }

  static constexpr std::uint64_t last_in(std::size_t bucket) noexcept {
    if (bucket < 2 * width) return bucket;
    auto const shift = bucket / width - 1;
    return ((bucket % width + width + 1) << shift) - 1;
  }

  static constexpr std::size_t bucket_count = (63 - Bits) * width + width;

  std::array<std::uint64_t, bucket_count> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t largest_ = 0;
};

}  // namespace weft::inline v0
