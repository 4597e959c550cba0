// Compares what it takes to have work done elsewhere: Weft's executors and processes, Asio, libuv,
// Python, and the system itself.
//   executors [--rounds N] [--only ROW] [--json FILE]
#include <array>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "support/description.hpp"
#include "support/statistics.hpp"

namespace {

namespace fs = std::filesystem;

struct contender {
  std::string name;
  std::string command;
  std::vector<double> nanoseconds = {};  // of each round
};

struct row {
  std::string name;
  std::string what;
  std::vector<contender> contenders;  // the first is what the others are compared with
};

std::vector<row> all_rows(std::string const& python_file) {
  auto const here = fs::read_symlink("/proc/self/exe").parent_path().string();
  auto const weft = here + "/executors-weft ";
  auto const asio = here + "/executors-asio ";
  auto const libuv = here + "/executors-libuv ";
  auto const system = here + "/executors-system ";
  auto const python = "python3 " + python_file + " ";
  std::vector<row> rows;
  for (auto const& [name, what] : {std::pair("one", "a job there and back, one at a time"),
                                   std::pair("many", "a job, 1,000 at a time")}) {
    std::string const job = name;
    rows.push_back({job,
                    what,
                    {{"weft inline", weft + job + " inline"},
                     {"weft threads", weft + job + " threads"},
                     {"asio threads", asio + job},
                     {"libuv threads", libuv + job},
                     {"asyncio threads", python + job + " threads"},
                     {"weft processes", weft + job + " processes"},
                     {"multiprocessing", python + job + " pool"},
                     {"asyncio processes", python + job + " processes"}}});
  }
  for (auto const& [size, text] :
       {std::pair("0", "0 B"), std::pair("1024", "1 KiB"), std::pair("65536", "64 KiB"),
        std::pair("1048576", "1 MiB"), std::pair("16777216", "16 MiB")})
    rows.push_back({std::string("payload-") + size,
                    std::string(text) + " to a process and back",
                    {{"weft processes", weft + "payload processes " + size},
                     {"weft threads", weft + "payload threads " + size},
                     {"multiprocessing", python + "payload pool " + size}}});
  rows.push_back({"map",
                  "an item of a map over a million",
                  {{"weft threads", weft + "map threads"},
                   {"weft processes", weft + "map processes"},
                   {"weft inline", weft + "map inline"},
                   {"multiprocessing", python + "map pool"}}});
  rows.push_back({"spawn",
                  "spawn and wait of /bin/true",
                  {{"weft command", weft + "spawn -"},
                   {"posix_spawn", system + "spawn"},
                   {"libuv", libuv + "spawn"},
                   {"subprocess", python + "spawn -"}}});
  rows.push_back({"start",
                  "a function in a process, start and join",
                  {{"weft process", weft + "start -"},
                   {"fork and wait", system + "start"},
                   {"multiprocessing", python + "start -"}}});
  rows.push_back({"queue",
                  "a value through a queue between processes",
                  {{"weft put", weft + "queue put"},
                   {"weft put_all", weft + "queue put_all"},
                   {"multiprocessing", python + "queue -"}}});
  return rows;
}

double run(contender const& ran) {
  std::unique_ptr<FILE, int (*)(FILE*)> const pipe(::popen(ran.command.c_str(), "re"), ::pclose);
  if (!pipe) throw std::runtime_error("popen failed");
  double nanoseconds = 0;
  if (std::fscanf(pipe.get(), "%lf", &nanoseconds) != 1)
    throw std::runtime_error(fmt::format("'{}' has measured nothing", ran.command));
  return nanoseconds;
}

void print(row const& of) {
  fmt::print("\n{}\n{:<20}{:>14}{:>30}\n", of.what, "", "ns", "ratio to " + of.contenders[0].name);
  for (contender const& each : of.contenders) {
    auto const ratio = bench::paired_ratio(each.nanoseconds, of.contenders[0].nanoseconds);
    fmt::print("{:<20}{:>14.0f}{:>30}\n", each.name, bench::median(each.nanoseconds),
               fmt::format("{:.3f} [{:.3f}, {:.3f}]", ratio.estimate, ratio.low, ratio.high));
  }
}

void write_json(std::string const& path, bench::description const& run_of,
                std::vector<row> const& rows) {
  std::ofstream file(path);
  file << "{\"context\": {";
  char const* separator = "";
  for (auto const& [key, value] : run_of) {
    file << separator << fmt::format("\"{}\": \"{}\"", key, value);
    separator = ", ";
  }
  file << "},\n\"results\": [";
  separator = "\n  ";
  for (row const& of : rows)
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

int main(int argc, char** argv) try {
  unsigned rounds = 5;
  std::string only;
  std::string json;
  CLI::App app("Compares what it takes to have work done elsewhere");
  app.add_option("--rounds", rounds, "each runs every contender")->capture_default_str();
  app.add_option("--only", only, "the rows whose names begin so");
  app.add_option("--json", json, "Also write the results into this file");
  CLI11_PARSE(app, argc, argv);

  auto rows = all_rows(EXECUTORS_PYTHON);
  std::erase_if(rows, [&](row const& each) { return !each.name.starts_with(only); });
  if (rows.empty()) throw std::runtime_error(fmt::format("no row begins with '{}'", only));
  auto const run_of = bench::describe_run(
      argc, argv, {{"load", fmt::format("0.4 s each; medians of {} interleaved rounds", rounds)}});
  bench::print(run_of);
  for (row& of : rows) {
    for (unsigned round = 0; round < rounds; ++round)
      for (contender& each : of.contenders) each.nanoseconds.push_back(run(each));
    print(of);
    std::fflush(stdout);
  }
  if (!json.empty()) write_json(json, run_of, rows);
} catch (std::exception const& error) {
  fmt::print(stderr, "executors: {}\n", error.what());
  return 1;
}
