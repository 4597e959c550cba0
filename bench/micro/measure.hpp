// Registers benchmarks whose body is a task. The loop over `state` is inside that task, so that
// creating the event loop, and what the body sets up before, is not measured.
#pragma once

#include <string>

#include <benchmark/benchmark.h>

#include "weft/run.hpp"

namespace weft_sets {

using body = weft::task<> (*)(benchmark::State&);

template <body Measured>
void run(benchmark::State& state) {
  weft::run(Measured(state));
}

template <body Measured>
benchmark::internal::Benchmark* measure(std::string const& operation) {
  return benchmark::RegisterBenchmark((operation + "/weft").c_str(), &run<Measured>);
}

// For what happens on several threads: this thread's CPU time would miss the others' part.
template <body Measured>
void measure_elapsed(std::string const& operation) {
  measure<Measured>(operation)->UseRealTime();
}

}  // namespace weft_sets
