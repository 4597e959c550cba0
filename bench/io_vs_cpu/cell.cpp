// See cell.hpp.
#include "cell.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string_view>

#include "support/child_process.hpp"

namespace io_vs_cpu {

namespace {

constexpr std::array<std::string_view, 9> names{"sleep",   "dns",    "tcp", "cached", "direct",
                                                "hashing", "primes", "mix", "spin"};

workload workload_of(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<workload>(i);
  std::fprintf(stderr, "no workload is called '%.*s'\n", static_cast<int>(name.size()),
               name.data());
  std::exit(2);
}

std::int64_t microseconds(timeval time) {
  return time.tv_sec * std::int64_t{1'000'000} + time.tv_usec;
}

// Of the threads that the process has.
std::int64_t switches_of(pid_t process) {
  std::int64_t sum = 0;
  auto const threads = "/proc/" + std::to_string(process) + "/task";
  for (auto const& thread : std::filesystem::directory_iterator(threads)) {
    std::ifstream file(thread.path() / "status");
    for (std::string line; std::getline(file, line);)
      if (line.find("ctxt_switches:") != std::string::npos)
        sum += std::atoll(line.c_str() + line.find(':') + 1);  // NOLINT(*-err34-c): the kernel's
  }
  return sum;
}

}  // namespace

cell read_cell(int count, char** arguments) {
  std::map<std::string, std::string> given;
  for (int i = 1; i < count; ++i) {
    std::string const argument = arguments[i];
    auto const sign = argument.find('=');
    if (sign == std::string::npos) std::exit(2);
    given[argument.substr(0, sign)] = argument.substr(sign + 1);
  }
  auto const number = [&](char const* key) {
    return std::strtoull(given[key].c_str(), nullptr, 10);
  };
  return {.does = workload_of(given["workload"]),
          .executor = given["executor"],
          .clients = number("clients"),
          .workers = number("workers"),
          .length = std::chrono::duration<double>(std::strtod(given["seconds"].c_str(), nullptr)),
          .tcp_port = static_cast<std::uint16_t>(number("tcp")),
          .dns_port = static_cast<std::uint16_t>(number("dns")),
          .files = given["files"],
          .tree = given["tree"],
          .spin_turns = number("turns")};
}

usage usage_so_far() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  usage sum{.processor_us = microseconds(used.ru_utime) + microseconds(used.ru_stime),
            .switches = used.ru_nvcsw + used.ru_nivcsw};
  for (pid_t const process : processes_of(::getpgrp())) {
    if (process == ::getpid()) continue;
    sum.processor_us += bench::processor_time(process).count() / 1'000;
    sum.switches += switches_of(process);
  }
  return sum;
}

std::vector<pid_t> processes_of(pid_t group) {
  std::vector<pid_t> found;
  for (auto const& entry : std::filesystem::directory_iterator("/proc")) {
    pid_t const pid = std::atoi(entry.path().filename().c_str());  // NOLINT(*-err34-c): 0 for names
    if (pid > 0 && ::getpgid(pid) == group) found.push_back(pid);
  }
  return found;
}

void report(outcome const& of) {
  auto const ms = [](std::chrono::nanoseconds time) {
    return static_cast<double>(time.count()) / 1e6;
  };
  std::printf(
      "done=%zu seconds=%.6f cpu_us=%lld switches=%lld ticker=%s p99_ms=%.4f "
      "worst_ms=%.4f\n",
      of.done, of.took.count(),
      static_cast<long long>(of.after.processor_us - of.before.processor_us),
      static_cast<long long>(of.after.switches - of.before.switches), of.ticker.c_str(),
      ms(of.p99_gap), ms(of.worst_gap));
  std::fflush(stdout);
  for (char unread = 0; ::read(STDIN_FILENO, &unread, 1) > 0;) {}
}

}  // namespace io_vs_cpu
