// Runs the micro benchmarks, Weft and its peer in turns, and prints them as a table.
//   micro [--json FILE] [any flag of Google Benchmark]
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "sets.hpp"
#include "support/description.hpp"
#include "table.hpp"
#include "weft/loop.hpp"
#include "weft/run.hpp"

namespace {

// Repetitions in a random order spread what else the machine does over all of them alike.
std::vector<std::string> const defaults{
    "--benchmark_enable_random_interleaving=true",
    "--benchmark_repetitions=7",
    "--benchmark_min_time=0.05",
};

// What Google Benchmark is to parse: our defaults come first, so that given flags override them.
std::vector<std::string> flags_of(int argc, char** argv) {
  std::vector<std::string> flags{argv[0]};
  flags.insert(flags.end(), defaults.begin(), defaults.end());
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) != "--json" || i + 1 == argc) {
      flags.emplace_back(argv[i]);
      continue;
    }
    flags.push_back(fmt::format("--benchmark_out={}", argv[++i]));
    flags.emplace_back("--benchmark_out_format=json");
  }
  return flags;
}

weft::task<std::string> backend() { co_return std::string(weft::this_loop::backend_name()); }

void describe(int argc, char** argv) {
  auto const run = bench::describe_run(argc, argv, {{"backend", weft::run(backend())}});
  bench::print(run);
  for (auto const& [key, value] : run) benchmark::AddCustomContext(key, value);
}

void add_all() {
  weft_sets::add_tasks();
  weft_sets::add_channels();
  weft_sets::add_locks();
  weft_sets::add_timers();
  weft_sets::add_threads();
  asio_sets::add_tasks();
  asio_sets::add_channels();
  asio_sets::add_locks();
  asio_sets::add_timers();
  asio_sets::add_threads();
}

}  // namespace

int main(int argc, char** argv) {
  auto flags = flags_of(argc, argv);
  std::vector<char*> arguments;
  arguments.reserve(flags.size());
  for (auto& flag : flags) arguments.push_back(flag.data());
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;

  describe(argc, argv);
  add_all();
  table results;
  benchmark::RunSpecifiedBenchmarks(&results);
  results.print();
}
