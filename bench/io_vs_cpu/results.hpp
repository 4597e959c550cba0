// All that was measured in a run, and how the report looks things up in it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cells.hpp"
#include "measurement.hpp"
#include "sentences.hpp"

namespace io_vs_cpu {

// Jobs of one size on the loop, on threads and in processes: operations per second of each round.
struct offload_size {
  double job_us;
  measured on_loop;
  measured on_threads;
  measured in_processes;
};

struct results {
  std::vector<measured> cells;
  std::vector<offload_size> offloads;
  std::size_t cores = 0;
  std::string backend;  // of the loops whose backend is not named
  std::vector<std::string> left_out;
};

std::vector<double> column(measured const& of, double sample::* what);

// Null where it was not measured.
measured const* find(results const& in, place const& at);

// The throughput of a cell, or another column of it, with its interval.
std::optional<figure> figure_of(results const& in, place const& at,
                                double sample::* what = &sample::per_second);

// One executor in proportion to another, paired by rounds.
std::optional<bench::ratio> proportion(results const& in, place const& ours, place const& theirs);

// Threads or processes against the loop, for all sizes.
offload_curve curve_of(results const& in, std::string const& executor,
                       measured offload_size::* what);

}  // namespace io_vs_cpu
