// Compares the echo servers at short connections: connect, one request, its answer, close.
//   churn [--connections N,...] [--rounds N] [--seconds S] [--servers KEY,...]
//   churn --check
#include <cstdio>
#include <exception>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "load.hpp"
#include "support/comparison.hpp"
#include "support/options.hpp"
#include "support/report.hpp"
#include "support/socket.hpp"

namespace {

bench::connect connect_with(std::size_t clients) {
  return [=](std::uint16_t port) -> bench::load {
    auto load = std::make_shared<bench::churn_load>(port, clients);
    return [load](bench::limit const& until) { return load->run(until); };
  };
}

void check_churn(bench::server_process& process) {
  bench::churn_load(process.port(), 1).run(bench::limit::of(200));
  bench::churn_load(process.port(), 50).run(bench::limit::of(2'000));
}

void compare_all(bench::options const& wanted, std::vector<bench::server> const& servers, int argc,
                 char** argv) {
  auto const where = bench::placement::choose();
  auto const run = bench::describe_run(
      argc, argv,
      {{"placed", where.describe()},
       {"load",
        "closed loop; the client closes first, from 250 addresses, so that connections in "
        "TIME_WAIT take no ports; medians of the rounds"}});
  bench::print(run);
  std::vector<bench::comparison> done;
  for (std::size_t const clients : wanted.connections) {
    auto results =
        bench::compare(servers, connect_with(clients), wanted.rounds, wanted.duration(), where);
    bench::print_table(
        fmt::format("{} connections at a time, {} B once, {} rounds of {} s", clients,
                    bench::churn_load::message_size, wanted.rounds, wanted.seconds),
        "connections", results);
    done.push_back(
        {.load = {{"connections", clients}, {"size_bytes", bench::churn_load::message_size}},
         .servers = std::move(results)});
  }
  if (!wanted.json.empty()) bench::write_json(wanted.json, run, done);
}

}  // namespace

int main(int argc, char** argv) try {
  bench::options wanted;
  wanted.connections = {1, 50};
  CLI::App app("Compares servers at short connections");
  bench::add_options(app, wanted);
  CLI11_PARSE(app, argc, argv);

  bench::raise_descriptor_limit();
  auto const servers = bench::servers_called(wanted.servers);
  if (wanted.check) return bench::check_each(servers, check_churn);
  compare_all(wanted, servers, argc, argv);
} catch (std::exception const& error) {
  fmt::print(stderr, "churn: {}\n", error.what());
  return 1;
}
