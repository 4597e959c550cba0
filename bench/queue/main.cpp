// Compares queues of tasks over the network, with a master and workers in processes of their own:
// Weft's own server, Weft on Redis and Python's managers; and what the network alone and Redis
// alone allow.
//   queue [--rounds N] [--only ROW] [--contenders NAME,...] [--pinned] [--quick] [--json FILE]
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "contender.hpp"
#include "report.hpp"
#include "support/description.hpp"

namespace {

using queue_bench::measured;
using queue_bench::measured_row;

struct options {
  unsigned rounds = 5;
  queue_bench::effort effort{.seconds = 0.4, .tasks = 4'096, .is_pinned = false};
  std::string only;
  std::vector<std::string> contenders;
  std::string json;
  bool is_quick = false;
};

void add_options(CLI::App& app, options& to) {
  app.add_option("--rounds", to.rounds, "each runs every contender")
      ->check(CLI::Range(1U, 10'000U))
      ->capture_default_str();
  app.add_option("--seconds", to.effort.seconds, "of each measurement, at least")
      ->check(CLI::Range(0.01, 3600.0))
      ->capture_default_str();
  app.add_option("--tasks", to.effort.tasks, "that are put before their results are got")
      ->check(CLI::Range(1U, 50'000U))
      ->capture_default_str();
  app.add_option("--only", to.only, "the rows whose names begin so: w4-, w16-64");
  app.add_option("--contenders", to.contenders, "those whose names begin so; all, if none is named")
      ->delimiter(',');
  app.add_flag("--pinned", to.effort.is_pinned,
               "The master and its server on processor 0, the workers on processor 1");
  app.add_flag("--quick", to.is_quick, "One round, so short that it only shows that all works");
  app.add_option("--json", to.json, "Also write the results into this file")->take_last();
}

std::vector<measured_row> wanted_rows(options const& wanted) {
  auto contenders = queue_bench::all_contenders();
  std::erase_if(contenders, [&](queue_bench::contender const& each) {
    return !wanted.contenders.empty() &&
           std::ranges::none_of(wanted.contenders, [&](std::string const& beginning) {
             return each.name.starts_with(beginning);
           });
  });
  if (contenders.empty()) throw std::runtime_error("no contender has such a name");
  std::vector<measured_row> rows;
  for (std::size_t const workers : {1U, 4U, 16U})
    for (std::size_t const bytes : {64U, 16'384U}) {
      measured_row made{.at = {.workers = workers, .bytes = bytes}, .contenders = {}};
      if (!made.at.name().starts_with(wanted.only)) continue;
      for (auto const& each : contenders) made.contenders.push_back({.of = each});
      rows.push_back(std::move(made));
    }
  if (rows.empty()) throw std::runtime_error(fmt::format("no row begins with '{}'", wanted.only));
  return rows;
}

// Each round measures each contender once, in an order of its own; so what else the machine does
// meets all of them alike.
void measure(measured_row& of, options const& wanted) {
  std::vector<measured*> order;
  order.reserve(of.contenders.size());
  for (measured& each : of.contenders) order.push_back(&each);
  std::minstd_rand random;  // NOLINT(*-msc51-cpp): the same orders in every run
  for (unsigned round = 0; round < wanted.rounds; ++round) {
    if (::isatty(STDERR_FILENO) != 0)
      fmt::print(stderr, "\r{}: round {} of {} \r", of.at.name(), round + 1, wanted.rounds);
    std::ranges::shuffle(order, random);
    for (measured* const each : order)
      each->rounds.push_back(queue_bench::measure(each->of, of.at, wanted.effort));
  }
}

void run(options const& wanted, int argc, char** argv) {
  auto rows = wanted_rows(wanted);
  auto const run_of = bench::describe_run(
      argc, argv,
      {{"load", fmt::format("{} tasks put, then their results got, again and again for {} s; "
                            "medians of {} interleaved rounds",
                            wanted.effort.tasks, wanted.effort.seconds, wanted.rounds)},
       {"placed", wanted.effort.is_pinned ? "masters on processor 0, workers on processor 1"
                                          : "not bound to processors"},
       {"x 1", "put, take and ack of one task at a time; x 64: put_all, take(64) and ack_all"},
       {"latency",
        "from a put of 1 or 64 to a result in the master's hands, nothing else going on"},
       {"Python",
        "multiprocessing.managers; as it comes, values of 16 KiB wait twice for delayed "
        "acknowledgements: the ratios are to what it does with TCP_NODELAY"},
       {"results", "come up to 64 in a message from weft, also x 1; from Python one by one"},
       {"CPU", "of all processes, per task"},
       {"raw TCP", "as many bytes in 4 requests and answers per batch, by each worker"}});
  bench::print(run_of);
  for (measured_row& each : rows) {
    measure(each, wanted);
    queue_bench::print_table(each);
  }
  queue_bench::print_summary(rows);
  if (!wanted.json.empty()) queue_bench::write_json(wanted.json, run_of, rows);
}

}  // namespace

int main(int argc, char** argv) try {
  std::signal(SIGPIPE, SIG_IGN);  // a program that has ended is an error like any other
  options wanted;
  CLI::App app("Compares queues of tasks over the network");
  add_options(app, wanted);
  CLI11_PARSE(app, argc, argv);
  if (wanted.is_quick) {
    wanted.rounds = 1;
    wanted.effort.seconds = 0.02;
    wanted.effort.tasks = 256;
  }
  run(wanted, argc, argv);
  return 0;
} catch (std::exception const& error) {
  fmt::print(stderr, "queue: {}\n", error.what());
  return 1;
}
