// Percentiles are never less than the truth, and above it by less than the width of a bucket.
#include "weft/duration_histogram.hpp"

#include <limits>

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using histogram = weft::duration_histogram<7>;  // no bucket is as wide as 1 %

TEST_CASE("a histogram of nothing has zeros") {
  histogram const empty;
  CHECK(empty.count() == 0);
  CHECK(empty.max() == 0ns);
  CHECK(empty.percentile(0) == 0ns);
  CHECK(empty.percentile(99) == 0ns);
}

TEST_CASE("percentiles are at most 1 % above the truth") {
  histogram uniform;
  for (int i = 1; i <= 1'000'000; ++i) uniform.add(std::chrono::nanoseconds(i));
  CHECK(uniform.count() == 1'000'000);
  CHECK(uniform.max() == 1'000'000ns);
  for (double const percent : {0.01, 1.0, 10.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
    CAPTURE(percent);
    auto const found = static_cast<double>(uniform.percentile(percent).count());
    CHECK(found >= percent * 10'000);
    CHECK(found < percent * 10'000 * 1.01);
  }
}

TEST_CASE("one value of any size is found again") {
  for (std::int64_t value = 1; value > 0 && value < std::numeric_limits<std::int64_t>::max() / 3;
       value = value * 3 - 1 + value % 2) {
    histogram one;
    one.add(std::chrono::nanoseconds(value));
    one.add(std::chrono::nanoseconds::max());
    auto const found = one.percentile(50).count();
    CAPTURE(value);
    CHECK(found >= value);
    CHECK(static_cast<double>(found) < static_cast<double>(value) * 1.01);
    CHECK(one.percentile(100) == std::chrono::nanoseconds::max());
  }
}

TEST_CASE("what two have counted can be put together") {
  histogram first;
  histogram second;
  for (int i = 0; i < 90; ++i) first.add(10ns);
  for (int i = 0; i < 10; ++i) second.add(100ns);
  first.add(second);
  CHECK(first.count() == 100);
  CHECK(first.percentile(90) == 10ns);
  CHECK(first.percentile(91) == 100ns);
  CHECK(first.max() == 100ns);
}

TEST_CASE("a negative duration counts as zero") {
  histogram one;
  one.add(-5ns);
  CHECK(one.count() == 1);
  CHECK(one.max() == 0ns);
}
