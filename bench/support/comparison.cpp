// See comparison.hpp.
#include "support/comparison.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <random>
#include <thread>

#include <fmt/format.h>

namespace bench {

namespace {

using namespace std::chrono_literals;

// Long enough for the server to find nothing more to do and sleep, so that its time is exact.
constexpr auto settling = 2ms;

double microseconds(double nanoseconds) { return nanoseconds / 1e3; }

// Reorders the latencies.
double quantile(std::vector<std::uint32_t>& latencies, double part) {
  auto const place = static_cast<std::ptrdiff_t>(part * static_cast<double>(latencies.size() - 1));
  std::nth_element(latencies.begin(), latencies.begin() + place, latencies.end());
  return microseconds(latencies[place]);
}

// Both readings of the processor's time are taken between phases, when nothing is outstanding: they
// are exact, and differ by what exactly the requests of the phase have cost.
sample measure(server_process const& process, load const& run, std::chrono::nanoseconds duration) {
  run(limit::after(std::max<std::chrono::nanoseconds>(duration / 5, 50ms)));
  std::this_thread::sleep_for(settling);
  auto const before = process.processor_time();
  phase done = run(limit::after(duration));
  std::this_thread::sleep_for(settling);
  auto const used = process.processor_time() - before;

  auto const requests = static_cast<double>(done.requests());
  return {.per_second = requests / std::chrono::duration<double>(done.elapsed).count(),
          .p50_us = quantile(done.latencies, 0.50),
          .p99_us = quantile(done.latencies, 0.99),
          .processor_us = microseconds(static_cast<double>(used.count()) / requests)};
}

void show_progress(unsigned round, unsigned rounds) {
  if (::isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\rround {} of {} \r", round, rounds);
}

}  // namespace

placement placement::choose() {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(1, &set);
  return {.pinned = ::sched_setaffinity(0, sizeof set, &set) == 0};
}

std::string placement::describe() const {
  return pinned ? "server on processor 0, load on processor 1" : "not bound to processors";
}

std::vector<measured_server> compare(std::vector<server> const& servers, connect const& to,
                                     unsigned rounds, std::chrono::nanoseconds duration,
                                     placement const& where) {
  std::vector<measured_server> results;
  results.reserve(servers.size());
  for (server const& each : servers) results.push_back({.key = each.key, .name = {}, .rounds = {}});
  std::vector<std::size_t> order(servers.size());
  std::iota(order.begin(), order.end(), 0);
  std::minstd_rand random;  // NOLINT(*-msc51-cpp): the same orders in every run

  for (unsigned round = 0; round < rounds; ++round) {
    show_progress(round + 1, rounds);
    std::shuffle(order.begin(), order.end(), random);
    for (std::size_t const i : order) {
      server_process process(servers[i].command, where.server());
      {
        load const run = to(process.port());
        results[i].rounds.push_back(measure(process, run, duration));
      }
      results[i].name = process.name();
      process.stop();
    }
  }
  return results;
}

}  // namespace bench
