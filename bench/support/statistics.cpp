// See statistics.hpp.
#include "support/statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

namespace bench {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// The 97.5 % quantile of Student's t: Fisher's expansion around the normal one, which is right to
// 0.3 % from three degrees of freedom on; below that, the table.
double t_quantile(std::size_t degrees) {
  constexpr std::array<double, 3> few{nan, 12.706, 4.303};
  if (degrees < few.size()) return few[degrees];
  constexpr double z = 1.959964;
  constexpr double z3 = z * z * z;
  constexpr double z5 = z3 * z * z;
  constexpr double z7 = z5 * z * z;
  auto const n = static_cast<double>(degrees);
  return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n) +
         (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * n * n * n);
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return nan;
  std::sort(values.begin(), values.end());
  std::size_t const half = values.size() / 2;
  return values.size() % 2 != 0 ? values[half] : (values[half - 1] + values[half]) / 2;
}

ratio paired_ratio(std::span<double const> ours, std::span<double const> theirs) {
  std::size_t const pairs = std::min(ours.size(), theirs.size());
  if (pairs == 0) return {nan, nan, nan};
  double mean = 0;
  for (std::size_t i = 0; i < pairs; ++i) mean += std::log(ours[i] / theirs[i]);
  mean /= static_cast<double>(pairs);
  if (pairs == 1) return {std::exp(mean), nan, nan};

  double squares = 0;
  for (std::size_t i = 0; i < pairs; ++i)
    squares += std::pow(std::log(ours[i] / theirs[i]) - mean, 2);
  double const error =
      std::sqrt(squares / static_cast<double>(pairs - 1) / static_cast<double>(pairs));
  double const reach = t_quantile(pairs - 1) * error;
  return {std::exp(mean), std::exp(mean - reach), std::exp(mean + reach)};
}

}  // namespace bench
