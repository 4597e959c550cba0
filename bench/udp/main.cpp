// Compares servers that echo datagrams: recvmmsg and sendmmsg in C style, and Weft.
//   udp [--in-flight N,...] [--sizes BYTES,...] [--rounds N] [--seconds S] [--servers KEY,...]
//   udp --check
#include <cstdio>
#include <exception>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "load.hpp"
#include "support/comparison.hpp"
#include "support/options.hpp"
#include "support/report.hpp"

namespace {

struct udp_options : bench::options {
  std::vector<std::size_t> sizes{64, 1024};
};

bench::connect send_with(std::size_t in_flight, std::size_t size) {
  return [=](std::uint16_t port) -> bench::load {
    auto load = std::make_shared<bench::datagram_load>(port, in_flight, size);
    return [load](bench::limit const& until) { return load->run(until); };
  };
}

void check_udp(bench::server_process& process) {
  bench::datagram_load(process.port(), 1, bench::datagram_load::size_min)
      .run(bench::limit::of(200));
  bench::datagram_load(process.port(), 50, 1'400).run(bench::limit::of(2'000));
}

void compare_all(udp_options const& wanted, std::vector<bench::server> const& servers, int argc,
                 char** argv) {
  auto const where = bench::placement::choose();
  auto const run = bench::describe_run(
      argc, argv,
      {{"placed", where.describe()},
       {"load",
        "closed loop: one socket, a new datagram for each that comes back; medians of the "
        "rounds"}});
  bench::print(run);
  std::vector<bench::comparison> done;
  for (std::size_t const in_flight : wanted.connections)
    for (std::size_t const size : wanted.sizes) {
      auto results = bench::compare(servers, send_with(in_flight, size), wanted.rounds,
                                    wanted.duration(), where);
      bench::print_table(fmt::format("{} at a time x {} B, {} rounds of {} s", in_flight, size,
                                     wanted.rounds, wanted.seconds),
                         "datagrams", results);
      done.push_back({.load = {{"in_flight", in_flight}, {"size_bytes", size}},
                      .servers = std::move(results)});
    }
  if (!wanted.json.empty()) bench::write_json(wanted.json, run, done);
}

}  // namespace

int main(int argc, char** argv) try {
  udp_options wanted;
  wanted.connections = {1, 64};
  CLI::App app("Compares servers that echo datagrams");
  bench::add_options(app, wanted, "--in-flight");
  app.add_option("--sizes", wanted.sizes, "Of a datagram, in bytes; each number is a table")
      ->delimiter(',')
      ->check(CLI::Range(bench::datagram_load::size_min, std::size_t{1'400}))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  auto const servers = bench::servers_called(wanted.servers, bench::serving::datagrams);
  if (wanted.check) return bench::check_each(servers, check_udp);
  compare_all(wanted, servers, argc, argv);
} catch (std::exception const& error) {
  fmt::print(stderr, "udp: {}\n", error.what());
  return 1;
}
