// What the report says about its data, computed from it. A difference is claimed only where the 95
// % intervals of the two are apart and the estimates at least 5 % from each other; else the
// sentence says that there is no difference. So a second run may claim less or more, but not the
// opposite.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/statistics.hpp"

namespace io_vs_cpu {

// The geometric mean of the rounds with the t interval of its logarithm. The interval is NaN for
// fewer than two rounds.
bench::ratio interval_of(std::span<double const> rounds);

// "1.95 [1.90, 2.01]"
std::string text(bench::ratio const& of);

// With three digits that count: "12,300", "1.95", "0.0123".
std::string number(double value);

enum class order { less, more, no_difference };
order compare(bench::ratio const& ours, bench::ratio const& theirs);

// The same for a ratio, which is compared with 1.
order compare_with_one(bench::ratio const& of);

struct figure {
  std::string name;
  bench::ratio value;
};

// "A and B", "A, B and C".
std::string listed(std::span<std::string const> names);

// "256 tasks on io_uring do 9,800 operations a second [9,500, 10,100]: more than 16 threads (12.1
// to 1); no difference from 256 tasks on epoll."
struct wording {
  std::string_view beginning;  // a format for the subject's name and value
  std::string_view more;       // "more than"
  std::string_view less;
};
std::string comparison_sentence(figure const& subject, std::span<figure const> others,
                                wording const& words);

// Of throughput with so many workers against blocking calls one by one.
std::string speed_up_sentence(std::size_t workers, std::size_t cores,
                              std::span<figure const> speed_ups);

// Of ratios: who of the pairs does more with Weft, who with Python.
std::string against_python_sentence(std::span<figure const> ratios);

// Jobs of growing size, and the throughput of an executor in proportion to that of the loop itself,
// of each round.
struct offload_curve {
  std::string executor;
  std::vector<double> job_us;
  std::vector<std::vector<double>> rounds;  // [round][size]
};

// The job size at which a curve comes to 1 and stays above, interpolated between the logarithms;
// NaN if it never does, the smallest size if it is always above.
double crossing(std::span<double const> job_us, std::span<double const> ratios);

// Where the means of the rounds cross; the interval is where the bounds of their intervals do. NaN
// what does not cross.
bench::ratio break_even(offload_curve const& of);

std::string break_even_sentence(offload_curve const& threads, offload_curve const& processes);

}  // namespace io_vs_cpu
