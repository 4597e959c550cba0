// Compares executors on work that waits, work that computes, and mixtures of the two; and writes a
// report of it with pictures.
//   io_vs_cpu [--quick] [--rounds N] [--seconds S] [--only WORKLOAD] [--report DIR] [--json FILE]
#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <weft/executor.hpp>

#include "measurement.hpp"
#include "report.hpp"
#include "results.hpp"
#include "support/description.hpp"
#include "support/file_descriptor.hpp"
#include "workplace.hpp"

namespace io_vs_cpu {

namespace {

// The signal that asks to end, or 0. It also interrupts the wait for what is being measured.
std::sig_atomic_t volatile stop_signal = 0;
extern "C" void note_stop(int signal) { stop_signal = signal; }

struct options {
  unsigned rounds = 5;
  double seconds = 0.2;
  std::string only;
  std::string report = "build/bench-report";
  std::string json;
  bool is_quick = false;
};

bool has_uring() {
  io_uring_params parameters{};
  bench::file_descriptor const ring(
      static_cast<int>(::syscall(SYS_io_uring_setup, 1, &parameters)));
  return ring.get() >= 0;
}

// The interpreter itself, past wrappers that would be started anew for each cell; empty if none.
std::string find_python() {
  FILE* const pipe = ::popen("python3 -c 'import sys; print(sys.executable)' 2>/dev/null", "re");
  if (pipe == nullptr) return {};
  char line[4'096] = {};
  if (std::fgets(line, sizeof line, pipe) == nullptr) line[0] = '\0';
  ::pclose(pipe);
  std::string path = line;
  while (!path.empty() && path.back() == '\n') path.pop_back();
  return path;
}

std::vector<offload_size> offload_sizes(std::size_t cores, bool is_quick) {
  auto const at = [&](char const* executor, std::size_t workers) {
    return measured{.at = {"spin", executor, 2 * cores, workers}};
  };
  std::vector<double> sizes{1, 3, 10, 30, 100, 300, 1'000, 3'000, 10'000};
  if (is_quick) sizes = {1, 3, 10, 100, 1'000};
  std::vector<offload_size> made;
  made.reserve(sizes.size());
  for (double const size : sizes)
    made.push_back({.job_us = size,
                    .on_loop = at("loop", 0),
                    .on_threads = at("loop + threads", cores),
                    .in_processes = at("loop + processes", cores)});
  return made;
}

// The full benchmark is to end in ten minutes on a busy machine, too. Fewer rounds than three would
// leave no interval worth having.
constexpr std::chrono::seconds time_limit{480};
constexpr unsigned rounds_at_least = 3;

struct job {
  measured* of;
  std::uint64_t turns;
};

std::vector<job> jobs_of(results& all, double turns_per_us) {
  std::vector<job> jobs;
  jobs.reserve(all.cells.size() + 3 * all.offloads.size());
  for (measured& each : all.cells) jobs.push_back({&each, 0});
  for (offload_size& size : all.offloads)
    for (measured* const each : {&size.on_loop, &size.on_threads, &size.in_processes})
      jobs.push_back({each, static_cast<std::uint64_t>(size.job_us * turns_per_us)});
  return jobs;
}

// Each round measures each cell once, in an order of its own; so what else the machine does meets
// all of them alike.
// Yields the number of rounds: none is begun that would probably not end in time.
unsigned measure_all(results& all, surroundings with, options const& wanted, double turns_per_us) {
  auto jobs = jobs_of(all, turns_per_us);
  auto const begun = std::chrono::steady_clock::now();
  std::minstd_rand random;  // NOLINT(*-msc51-cpp): the same orders in every run
  for (unsigned round = 0; round < wanted.rounds; ++round) {
    auto const used = std::chrono::steady_clock::now() - begun;
    if (round >= rounds_at_least && used / round * (round + 1) > time_limit) return round;
    std::ranges::shuffle(jobs, random);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      if (stop_signal != 0) throw std::runtime_error("ended early");
      if (::isatty(STDERR_FILENO) != 0)
        fmt::print(stderr, "\rround {} of {}: {} of {}  \r", round + 1, wanted.rounds, i + 1,
                   jobs.size());
      with.spin_turns = jobs[i].turns;
      measured& of = *jobs[i].of;
      try {
        of.rounds.push_back(measure(of, with));
      } catch (std::exception const& error) {
        throw std::runtime_error(
            fmt::format("{}, {}: {}", of.at.workload, of.at.executor_and_size(), error.what()));
      }
    }
  }
  return wanted.rounds;
}

void run(options const& wanted, int argc, char** argv) {
#ifdef IO_VS_CPU_HAS_DNS
  constexpr bool has_dns = true;
#else
  constexpr bool has_dns = false;
#endif
#ifdef IO_VS_CPU_HAS_HASH
  constexpr bool has_hash = true;
#else
  constexpr bool has_hash = false;
#endif
  auto const begun = std::chrono::steady_clock::now();
  workplace const at(wanted.report, has_dns);
  auto const python = find_python();
  abilities const has{.has_uring = has_uring(),
                      .has_dns = has_dns,
                      .has_hash = has_hash && at.has_tree(),
                      .has_direct = at.has_direct(),
                      .has_python = !python.empty()};
  results all{.cells = {},
              .offloads = {},
              .cores = weft::usable_processors(),
              .backend = has.has_uring ? "io_uring" : "epoll",
              .left_out = left_out(has, wanted.is_quick)};
  for (auto& each : all_places(has, wanted.is_quick))
    if (each.workload.starts_with(wanted.only)) all.cells.push_back({.at = std::move(each)});
  if (std::string("spin").starts_with(wanted.only))
    all.offloads = offload_sizes(all.cores, wanted.is_quick);
  if (all.cells.empty() && all.offloads.empty())
    throw std::runtime_error(fmt::format("no workload begins with '{}'", wanted.only));

  double const turns = turns_per_microsecond();
  surroundings const with{.seconds = wanted.seconds,
                          .tcp_port = at.tcp_port(),
                          .dns_port = at.dns_port(),
                          .files = at.files(),
                          .tree = at.tree(),
                          .python = python,
                          .servers = at.servers()};
  unsigned const rounds = measure_all(all, with, wanted, turns);
  std::chrono::duration<double> const took = std::chrono::steady_clock::now() - begun;
  auto const run_of = bench::describe_run(
      argc, argv,
      {{"load", fmt::format("each cell for {} s in a process of its own; {} rounds, in each all "
                            "cells in an order of its own",
                            wanted.seconds, rounds)},
       {"claims",
        "a difference is claimed where the 95 % intervals are apart and the estimates "
        "differ by 5 % or more; else there is \"no difference\""},
       {"Python", has.has_python ? python : "none"},
       {"took", fmt::format("{:.0f} s", took.count())}});
  bench::print(run_of);
  print_tables(all);
  write_report(wanted.report, run_of, all);
  fmt::print("\nThe report is {}/report.html\n", wanted.report);
  if (!wanted.json.empty()) write_json(wanted.json, run_of, all);
}

}  // namespace

}  // namespace io_vs_cpu

int main(int argc, char** argv) try {
  std::signal(SIGPIPE, SIG_IGN);  // a program that has ended is an error like any other
  for (int const signal : {SIGINT, SIGTERM}) std::signal(signal, io_vs_cpu::note_stop);
  io_vs_cpu::options wanted;
  CLI::App app("Compares executors on work that waits and work that computes");
  auto* const rounds = app.add_option("--rounds", wanted.rounds, "each measures every cell once")
                           ->check(CLI::Range(1U, 1'000U))
                           ->capture_default_str();
  auto* const seconds = app.add_option("--seconds", wanted.seconds, "of each cell")
                            ->check(CLI::Range(0.01, 60.0))
                            ->capture_default_str();
  app.add_option("--only", wanted.only, "the workloads whose names begin so: tcp, primes, spin");
  app.add_option("--report", wanted.report, "the directory of the report")->capture_default_str();
  app.add_flag("--quick", wanted.is_quick, "Fewer and shorter cells, about a minute");
  app.add_option("--json", wanted.json, "Also write the results into this file")->take_last();
  CLI11_PARSE(app, argc, argv);
  if (wanted.is_quick) {
    if (rounds->empty()) wanted.rounds = 3;
    if (seconds->empty()) wanted.seconds = 0.08;
  }
  io_vs_cpu::run(wanted, argc, argv);
  return 0;
} catch (std::exception const& error) {
  // Its files and servers are gone by now.
  if (io_vs_cpu::stop_signal != 0) {
    fmt::print(stderr, "\nio_vs_cpu: ended early\n");
    return 128 + io_vs_cpu::stop_signal;  // as a shell has it
  }
  fmt::print(stderr, "io_vs_cpu: {}\n", error.what());
  return 1;
}
