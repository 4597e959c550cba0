// Compares echo servers: raw epoll, raw io_uring, Asio, libuv and Weft.
//   echo [--connections N,...] [--sizes BYTES,...] [--rounds N] [--seconds S] [--servers KEY,...]
//   echo --check | --count
#include <cstdio>
#include <exception>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "check.hpp"
#include "count.hpp"
#include "load.hpp"
#include "support/comparison.hpp"
#include "support/options.hpp"
#include "support/report.hpp"
#include "support/socket.hpp"

namespace {

struct echo_options : bench::options {
  std::vector<std::size_t> sizes{64, 1024, 16384};
  bool count = false;
};

bench::connect connect_with(std::size_t connections, std::size_t size) {
  return [=](std::uint16_t port) -> bench::load {
    auto load = std::make_shared<bench::echo_load>(port, connections, size);
    return [load](bench::limit const& until) { return load->run(until); };
  };
}

void compare_all(echo_options const& wanted, std::vector<bench::server> const& servers, int argc,
                 char** argv) {
  auto const where = bench::placement::choose();
  auto const run = bench::describe_run(argc, argv,
                                       {{"placed", where.describe()},
                                        {"load",
                                         "closed loop: one request outstanding on each "
                                         "connection; medians of the rounds"}});
  bench::print(run);
  std::vector<bench::comparison> done;
  for (std::size_t const connections : wanted.connections)
    for (std::size_t const size : wanted.sizes) {
      auto results = bench::compare(servers, connect_with(connections, size), wanted.rounds,
                                    wanted.duration(), where);
      bench::print_table(fmt::format("{} connections x {} B, {} rounds of {} s", connections, size,
                                     wanted.rounds, wanted.seconds),
                         "requests", results);
      done.push_back({.load = {{"connections", connections}, {"size_bytes", size}},
                      .servers = std::move(results)});
    }
  if (!wanted.json.empty()) bench::write_json(wanted.json, run, done);
}

}  // namespace

int main(int argc, char** argv) try {
  echo_options wanted;
  wanted.connections = {1, 50, 500};
  CLI::App app("Compares echo servers");
  bench::add_options(app, wanted);
  app.add_option("--sizes", wanted.sizes, "Of a message, in bytes; each number is a table")
      ->delimiter(',')
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str();
  app.add_flag("--count", wanted.count,
               "Count user-space instructions (Valgrind; on epoll) and system calls (strace)");
  CLI11_PARSE(app, argc, argv);

  bench::raise_descriptor_limit();
  auto const servers = bench::servers_called(wanted.servers);
  if (wanted.check) return bench::check_each(servers, bench::check_echo);
  if (wanted.count)
    bench::count_all(servers);
  else
    compare_all(wanted, servers, argc, argv);
} catch (std::exception const& error) {
  fmt::print(stderr, "echo: {}\n", error.what());
  return 1;
}
