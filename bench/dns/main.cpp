// Compares resolvers: Weft, c-ares and `dig -f`, against the example's name server, which answers
// after a latency.
//   dns [--names N] [--in-flight N] [--latency MS] [--rounds N] [--json FILE]
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "support/description.hpp"
#include "support/file_descriptor.hpp"
#include "support/report.hpp"
#include "support/server_process.hpp"
#include "support/statistics.hpp"

namespace {

using clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

struct options {
  std::size_t names = 100'000;
  std::size_t in_flight = 1'000;
  unsigned latency_ms = 20;
  unsigned rounds = 5;
  std::string json;
};

struct client {
  std::string name;
  std::vector<std::string> command;
  std::size_t names;
};

struct sample {
  double names_per_second;
  double processor_us;  // of a name
  double peak_mib;
};

struct measured {
  client ran;
  std::vector<sample> rounds;
};

// ---- Where everything is.

fs::path here() { return fs::read_symlink("/proc/self/exe").parent_path(); }

// Files that the bench makes, gone with it.
class workplace {
 public:
  workplace() : path_((fs::temp_directory_path() / "weft-bench-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  }
  ~workplace() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  workplace(workplace const&) = delete;
  workplace& operator=(workplace const&) = delete;

  [[nodiscard]] std::string file(std::string const& name, std::string const& text) const {
    auto const path = path_ + "/" + name;
    std::ofstream(path) << text;
    return path;
  }

 private:
  std::string path_;
};

constexpr char const* zone = R"($ORIGIN bulk.example.
$TTL 300
@ IN SOA ns hostmaster 1 3600 900 604800 300
@ IN NS ns
ns IN A 192.0.2.53
* IN A 192.0.2.1
)";

std::string names_for_dig(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += fmt::format("n{}.bulk.example. A\n", i);
  return text;
}

// ---- Running the clients.

[[noreturn]] void become(client const& ran) {
  auto const silent = bench::file_descriptor(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (silent.get() < 0) ::_exit(127);
  ::dup2(silent.get(), STDIN_FILENO);
  ::dup2(silent.get(), STDOUT_FILENO);
  std::vector<char*> arguments;
  for (std::string const& argument : ran.command)
    arguments.push_back(const_cast<char*>(argument.c_str()));  // NOLINT: execvp's type is C's
  arguments.push_back(nullptr);
  ::execvp(arguments.front(), arguments.data());
  ::_exit(127);
}

sample run(client const& ran) {
  auto const start = clock::now();
  pid_t const process = bench::checked("fork", ::fork());
  if (process == 0) become(ran);
  int status = 0;
  rusage used{};
  bench::checked("wait4", ::wait4(process, &status, 0, &used));
  std::chrono::duration<double> const took = clock::now() - start;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error(fmt::format("{} ended with wait status {:#x}", ran.name, status));
  auto const microseconds = [](timeval time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  auto const names = static_cast<double>(ran.names);
  return {.names_per_second = names / took.count(),
          .processor_us = (microseconds(used.ru_utime) + microseconds(used.ru_stime)) / names,
          .peak_mib = static_cast<double>(used.ru_maxrss) / 1024};
}

std::vector<client> clients_for(options const& wanted, std::uint16_t port, workplace const& files) {
  std::vector<client> clients;
  auto const add = [&](std::string name, std::string const& program, std::size_t names,
                       std::string const& environment) {
    clients.push_back({.name = std::move(name),
                       .command = {"env", environment, here() / program, std::to_string(port),
                                   std::to_string(names), std::to_string(wanted.in_flight)},
                       .names = names});
  };
  add("weft, io_uring", "dns-weft", wanted.names, "WEFT_BACKEND=uring");
  add("weft, epoll", "dns-weft", wanted.names, "WEFT_BACKEND=epoll");
  // Memory that grew with the names would show here.
  add("weft, epoll, a tenth", "dns-weft", wanted.names / 10, "WEFT_BACKEND=epoll");
  if (fs::exists(here() / "dns-cares")) add("c-ares", "dns-cares", wanted.names, "LC_ALL=C");
  constexpr std::size_t of_dig = 100;  // they come one at a time
  clients.push_back({.name = "dig -f",
                     .command = {"dig", "@127.0.0.1", "-p", std::to_string(port), "-f",
                                 files.file("names", names_for_dig(of_dig))},
                     .names = of_dig});
  return clients;
}

// ---- What came of it.

std::vector<double> column(measured const& of, double sample::* what) {
  std::vector<double> values;
  values.reserve(of.rounds.size());
  for (sample const& round : of.rounds) values.push_back(round.*what);
  return values;
}

void print_table(std::vector<measured> const& all) {
  fmt::print("\n{:<22}{:>9}{:>12}{:>9}{:>10}{:>26}\n", "client", "names", "names/s", "CPU us",
             "peak MiB", "CPU / weft, io_uring");
  for (measured const& row : all) {
    auto const ratio = bench::paired_ratio(column(row, &sample::processor_us),
                                           column(all.front(), &sample::processor_us));
    fmt::print("{:<22}{:>9}{:>12.0f}{:>9.2f}{:>10.1f}{:>26}\n", row.ran.name, row.ran.names,
               bench::median(column(row, &sample::names_per_second)),
               bench::median(column(row, &sample::processor_us)),
               bench::median(column(row, &sample::peak_mib)),
               fmt::format("{:.3f} [{:.3f}, {:.3f}]", ratio.estimate, ratio.low, ratio.high));
  }
}

void write_json(std::string const& path, bench::description const& run_of,
                std::vector<measured> const& all) {
  std::ofstream file(path);
  file << "{\"context\": " << bench::json(run_of) << ",\n\"results\": [";
  char const* separator = "\n  ";
  for (measured const& row : all) {
    file << separator
         << fmt::format(R"({{"client": "{}", "names": {}, "rounds": [)", row.ran.name,
                        row.ran.names);
    separator = "";
    for (sample const& round : row.rounds) {
      file << separator
           << fmt::format(R"({{"names_per_second": {:.6g}, "processor_us": {:.6g}, )"
                          R"("peak_mib": {:.6g}}})",
                          round.names_per_second, round.processor_us, round.peak_mib);
      separator = ", ";
    }
    file << "]}";
    separator = ",\n  ";
  }
  file << "]}\n";
  if (!file.flush()) throw std::runtime_error(fmt::format("cannot write {}", path));
}

}  // namespace

int main(int argc, char** argv) try {
  options wanted;
  CLI::App app("Compares resolvers");
  app.add_option("--names", wanted.names, "to resolve")->capture_default_str();
  app.add_option("--in-flight", wanted.in_flight, "at a time")->capture_default_str();
  app.add_option("--latency", wanted.latency_ms, "of the server, in ms")->capture_default_str();
  app.add_option("--rounds", wanted.rounds, "each runs every client")->capture_default_str();
  app.add_option("--json", wanted.json, "Also write the results into this file");
  CLI11_PARSE(app, argc, argv);

  workplace const files;
  bench::server_process server(
      {.arguments = {here().parent_path() / "examples" / "dns_server", "--zone",
                     files.file("bulk.example.zone", zone), "--port", "0", "--latency",
                     std::to_string(wanted.latency_ms)},
       .environment = {}});
  auto const run_of = bench::describe_run(
      argc, argv,
      {{"load", fmt::format("{} at a time, a server that answers after {} ms; medians of {} rounds",
                            wanted.in_flight, wanted.latency_ms, wanted.rounds)}});
  bench::print(run_of);
  std::vector<measured> all;
  for (client& each : clients_for(wanted, server.port(), files))
    all.push_back({.ran = std::move(each), .rounds = {}});
  for (unsigned round = 0; round < wanted.rounds; ++round)
    for (measured& each : all) each.rounds.push_back(run(each.ran));
  print_table(all);
  if (!wanted.json.empty()) write_json(wanted.json, run_of, all);
  server.stop();
} catch (std::exception const& error) {
  fmt::print(stderr, "dns: {}\n", error.what());
  return 1;
}
