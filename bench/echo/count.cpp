// See count.hpp.
#include "count.hpp"

#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "load.hpp"
#include "support/server_process.hpp"

namespace bench {

namespace {

constexpr std::size_t connections = 50;
constexpr std::size_t size = 64;
constexpr std::uint64_t few_requests = 5'000;
constexpr std::uint64_t many_requests = 25'000;

// A directory that lives as long as this.
class temporary_directory {
 public:
  temporary_directory() : path_(std::filesystem::temp_directory_path() / "weft-count-XXXXXX") {
    std::string name = path_;
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a directory");
    path_ = name;
  }
  ~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_directory(temporary_directory const&) = delete;
  temporary_directory& operator=(temporary_directory const&) = delete;

  [[nodiscard]] std::string file(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// The number in the first line that `find` finds one in.
template <class Find>
std::uint64_t number_in(std::string const& path, Find const& find) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (std::uint64_t const number = find(line); number != 0) return number;
  throw std::runtime_error(fmt::format("{} has no total", path));
}

// What runs a server and counts, how it names its report, and how to read that.
struct counter {
  std::vector<std::string> (*command)(std::string const& report);
  std::string_view suffix;
  std::uint64_t (*total)(std::string const& line);
};

// Of the first thread, which serves. What others do goes by the clock, not by the requests, and
// Valgrind would make fifty times more of it, as it makes the requests that much slower.
constexpr counter instructions{
    .command =
        [](std::string const& report) {
          return std::vector<std::string>{"valgrind",
                                          "--quiet",
                                          "--tool=callgrind",
                                          "--separate-threads=yes",
                                          "--callgrind-out-file=" + report,
                                          "--log-file=" + report + ".log"};
        },
    .suffix = "-01",
    .total = [](std::string const& line) -> std::uint64_t {
      constexpr std::string_view start = "summary: ";
      return line.starts_with(start) ? std::stoull(line.substr(start.size())) : 0;
    },
};

constexpr counter system_calls{
    .command =
        [](std::string const& report) {
          return std::vector<std::string>{"strace", "--quiet=all", "-f", "-c",
                                          "-U",     "calls,name",  "-o", report};
        },
    .suffix = "",
    .total = [](std::string const& line) -> std::uint64_t {
      return line.ends_with(" total") ? std::stoull(line) : 0;
    },
};

// The load and the server then run in turns, each until it has nothing more to do. As the clients
// are in step, the server finds all requests at once, however slow Valgrind and strace make it.
// Else how many it finds would be left to chance. The children inherit this.
void share_a_processor() {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(0, &set);
  ::sched_setaffinity(0, sizeof set, &set);
  sched_param const none{};
  ::sched_setscheduler(0, SCHED_BATCH, &none);  // who is woken does not preempt who wakes it
}

std::uint64_t count(server const& counted, counter const& with, std::uint64_t requests) {
  temporary_directory const directory;
  std::string report = directory.file("report");
  child_command command = counted.command;
  auto const prefix = with.command(report);
  command.arguments.insert(command.arguments.begin(), prefix.begin(), prefix.end());
  server_process process(command);
  echo_load(process.port(), connections, size).run_in_step(requests);
  process.stop();
  return number_in(report.append(with.suffix), with.total);
}

std::string per_echo(server const& counted, counter const& with, int decimals) {
  std::uint64_t const few = count(counted, with, few_requests);
  std::uint64_t const many = count(counted, with, many_requests);
  double const each =
      static_cast<double>(many - few) / static_cast<double>(many_requests - few_requests);
  return fmt::format("{:.{}f}", each, decimals);
}

}  // namespace

void count_all(std::vector<server> const& servers) {
  share_a_processor();
  fmt::print("{} connections x {} B, per echo\n", connections, size);
  fmt::print("{:<26}{:>14}{:>14}\n", "server", "instructions", "system calls");
  for (server const& each : servers) {
    fmt::print("{:<26}{:>14}{:>14}\n", each.key,
               each.in_ring ? "-" : per_echo(each, instructions, 0),
               per_echo(each, system_calls, 3));
    std::fflush(stdout);
  }
}

}  // namespace bench
