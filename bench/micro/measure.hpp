// Registers benchmarks whose body is a task. The loop over `state` is inside that task, so that
// creating the event loop, and what the body sets up before, is not measured.
#pragma once

#include <string>

#include <benchmark/benchmark.h>

#include "weft/run.hpp"

namespace weft_sets {

using body = weft::task<> (*)(benchmark::State&);

inline benchmark::internal::Benchmark* measure(std::string const& operation, body measured) {
  return benchmark::RegisterBenchmark(
      (operation + "/weft").c_str(),
      [measured](benchmark::State& state) { weft::run(measured(state)); });
}

// For what happens on several threads: this thread's CPU time would miss the others' part.
inline void measure_elapsed(std::string const& operation, body measured) {
  measure(operation, measured)->UseRealTime();
}

}  // namespace weft_sets
