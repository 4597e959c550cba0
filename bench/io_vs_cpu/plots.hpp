// The pictures of the report, as scripts for gnuplot, which draws them as SVG.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "results.hpp"

namespace io_vs_cpu {

// Throughput against concurrency, both logarithmic, of a workload that waits. `shown` are
// executors.
std::string concurrency_plot(results const& from, std::string const& workload);

// How long the ticker waited, p99 and worst, of the executors that have one.
std::string gaps_plot(results const& from, std::vector<place> const& shown);

struct speed_up_line {
  std::string name;
  std::vector<std::size_t> workers;
  std::vector<bench::ratio> times;  // what blocking calls one by one do
};
std::string speed_up_plot(std::vector<speed_up_line> const& lines, std::size_t cores);

std::string break_even_plot(std::vector<offload_curve> const& curves);

std::string against_python_plot(std::vector<figure> const& ratios);

bool has_gnuplot();

// Draws the script into `file`, beside which the script stays (".gp"). Throws when that fails.
void draw(std::string const& script, std::string const& file);

}  // namespace io_vs_cpu
