#include "support/contest.hpp"

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "support/description.hpp"
#include "support/report.hpp"
#include "support/statistics.hpp"

namespace bench {

namespace {

double run(contender const& ran) {
  std::unique_ptr<FILE, int (*)(FILE*)> const pipe(::popen(ran.command.c_str(), "re"), ::pclose);
  if (!pipe) throw std::runtime_error("popen failed");
  double nanoseconds = 0;
  if (std::fscanf(pipe.get(), "%lf", &nanoseconds) != 1)
    throw std::runtime_error(fmt::format("'{}' has measured nothing", ran.command));
  return nanoseconds;
}

void print(contest const& of) {
  fmt::print("\n{}\n{:<20}{:>14}{:>30}\n", of.what, "", "ns", "ratio to " + of.contenders[0].name);
  for (contender const& each : of.contenders) {
    auto const ratio = paired_ratio(each.nanoseconds, of.contenders[0].nanoseconds);
    fmt::print("{:<20}{:>14.0f}{:>30}\n", each.name, median(each.nanoseconds),
               fmt::format("{:.3f} [{:.3f}, {:.3f}]", ratio.estimate, ratio.low, ratio.high));
  }
}

void write_json(std::string const& path, description const& run_of,
                std::vector<contest> const& contests) {
  std::ofstream file(path);
  file << "{\"context\": " << json(run_of) << ",\n\"results\": [";
  char const* separator = "\n  ";
  for (contest const& of : contests)
    for (contender const& each : of.contenders) {
      file << separator
           << fmt::format(R"({{"row": "{}", "contender": "{}", "nanoseconds": [{:.6g}]}})", of.name,
                          each.name, fmt::join(each.nanoseconds, ", "));
      separator = ",\n  ";
    }
  file << "\n]}\n";
  if (!file.flush()) throw std::runtime_error(fmt::format("cannot write {}", path));
}

}  // namespace

std::string program_directory() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

int run_contests(int argc, char** argv, std::string const& purpose, std::vector<contest> contests) {
  unsigned rounds = 5;
  std::string only;
  std::string json;
  CLI::App app(purpose);
  app.add_option("--rounds", rounds, "each runs every contender")->capture_default_str();
  app.add_option("--only", only, "the rows whose names begin so");
  app.add_option("--json", json, "Also write the results into this file");
  CLI11_PARSE(app, argc, argv);

  try {
    std::erase_if(contests, [&](contest const& each) { return !each.name.starts_with(only); });
    if (contests.empty()) throw std::runtime_error(fmt::format("no row begins with '{}'", only));
    auto const run_of = describe_run(
        argc, argv,
        {{"load", fmt::format("0.4 s each; medians of {} interleaved rounds", rounds)}});
    bench::print(run_of);
    for (contest& of : contests) {
      for (unsigned round = 0; round < rounds; ++round)
        for (contender& each : of.contenders) each.nanoseconds.push_back(run(each));
      print(of);
      std::fflush(stdout);
    }
    if (!json.empty()) write_json(json, run_of, contests);
    return 0;
  } catch (std::exception const& error) {
    fmt::print(stderr, "{}: {}\n", std::filesystem::path(argv[0]).filename().string(),
               error.what());
    return 1;
  }
}

}  // namespace bench
