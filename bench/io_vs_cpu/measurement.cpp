// See measurement.hpp.
#include "measurement.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>

#include "support/child_process.hpp"
#include "support/contest.hpp"
#include "work.hpp"

namespace io_vs_cpu {

namespace {

// The executor as the worker programs call it, and the program.
bench::child_command command_for(place const& at, surroundings const& with) {
  auto const here = bench::program_directory() + "/io_vs_cpu-";
  std::vector<std::string> arguments;
  std::string executor = at.executor;
  bench::child_command command{.arguments = {}};
  if (at.is_python()) {
    command.arguments = {with.python, IO_VS_CPU_PYTHON};
    if (executor.starts_with("Python ")) executor.erase(0, std::string("Python ").size());
    if (auto const plus = executor.find(" + "); plus != std::string::npos)
      executor.replace(plus, 3, "-");
  } else if (executor == "loop + processes") {
    command.arguments = {here + "weft_processes"};
  } else if (executor == "loop + threads") {
    command.arguments = {here + "weft"};
    executor = "threads";
  } else if (executor == "epoll" || executor == "io_uring" || executor == "loop") {
    command.arguments = {here + "weft"};
    if (executor != "loop")
      command.environment = {{"WEFT_BACKEND", executor == "epoll" ? "epoll" : "uring"}};
  } else {
    command.arguments = {here + "plain"};
  }
  for (auto const& argument :
       {fmt::format("workload={}", at.workload), fmt::format("executor={}", executor),
        fmt::format("clients={}", at.clients), fmt::format("workers={}", at.workers),
        fmt::format("seconds={}", with.seconds), fmt::format("tcp={}", with.tcp_port),
        fmt::format("dns={}", with.dns_port), fmt::format("files={}", with.files),
        fmt::format("tree={}", with.tree), fmt::format("turns={}", with.spin_turns)})
    command.arguments.push_back(argument);
  return command;
}

std::map<std::string, std::string> values_of(std::string const& line) {
  std::map<std::string, std::string> values;
  std::istringstream words(line);
  for (std::string word; words >> word;)
    if (auto const sign = word.find('='); sign != std::string::npos)
      values[word.substr(0, sign)] = word.substr(sign + 1);
  return values;
}

// Kibibytes after a key of a file in /proc; 0 where there is none.
double kibibytes(std::string const& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key)) return std::strtod(line.c_str() + key.size(), nullptr);
  return 0;
}

// What all processes have together, each shared page counted once, and what each of them has had
// more at its peak than it has now.
double peak_memory(pid_t group) {
  double sum = 0;
  for (int const pid : processes_of(group)) {
    auto const rollup = fmt::format("/proc/{}/smaps_rollup", pid);
    double const peak = kibibytes(fmt::format("/proc/{}/status", pid), "VmHWM:");
    sum += kibibytes(rollup, "Pss:") + std::max(0.0, peak - kibibytes(rollup, "Rss:"));
  }
  return sum / 1'024;
}

double processor_seconds(std::vector<pid_t> const& servers) {
  std::chrono::duration<double> sum{0};
  for (pid_t const each : servers) sum += bench::processor_time(each);
  return sum.count();
}

}  // namespace

sample measure(measured& of, surroundings const& with) {
  double const before = processor_seconds(with.servers);
  bench::child_process program(command_for(of.at, with));
  auto const line = program.read_line();
  double const after = processor_seconds(with.servers);
  double const peak_mib = peak_memory(program.pid());
  program.finish();
  auto values = values_of(line);
  auto const number = [&](char const* key) { return std::strtod(values[key].c_str(), nullptr); };
  of.ticker = values["ticker"];
  double const none = std::numeric_limits<double>::quiet_NaN();
  bool const has_ticker = of.ticker != "none";
  return {.per_second = number("done") / number("seconds"),
          .done = number("done"),
          .took_s = number("seconds"),
          .processor_s = number("cpu_us") / 1e6,
          .server_s = after - before,
          .peak_mib = peak_mib,
          .switches = number("switches"),
          .p99_gap_ms = has_ticker ? number("p99_ms") : none,
          .worst_gap_ms = has_ticker ? number("worst_ms") : none};
}

double turns_per_microsecond() {
  using clock = std::chrono::steady_clock;
  constexpr std::uint64_t turns = 200'000;
  double best = 0;
  for (int i = 0; i < 50; ++i) {  // the fastest: the others were disturbed
    auto const begun = clock::now();
    spin(turns);
    std::chrono::duration<double, std::micro> const took = clock::now() - begun;
    best = std::max(best, static_cast<double>(turns) / took.count());
  }
  return best;
}

}  // namespace io_vs_cpu
