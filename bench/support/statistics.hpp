// The few figures that the benches compute from repeated measurements.
#pragma once

#include <span>
#include <vector>

namespace bench {

// NaN if there are no values.
double median(std::vector<double> values);

// A ratio, and the bounds within which it lies with 95 % confidence; they are NaN if there are
// fewer than two pairs.
struct ratio {
  double estimate;
  double low;
  double high;
};

// Of values that were measured in the same rounds, so that what slowed a whole round down cancels
// out: the geometric mean of ours[i] / theirs[i], with the t interval of its logarithm.
ratio paired_ratio(std::span<double const> ours, std::span<double const> theirs);

}  // namespace bench
