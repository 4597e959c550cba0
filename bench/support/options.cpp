// See options.hpp.
#include "support/options.hpp"

#include <cstdio>
#include <exception>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace bench {

void add_options(CLI::App& app, options& to, std::string const& how_many) {
  app.add_option("--servers", to.servers, "Which servers: epoll,...; all, if none is named")
      ->delimiter(',');
  app.add_option(how_many, to.connections, "At the same time; each number is a table")
      ->delimiter(',')
      ->check(CLI::Range(1, 15000))
      ->capture_default_str();
  app.add_option("--rounds", to.rounds, "Each measures every server once")
      ->check(CLI::Range(1U, 10000U))
      ->capture_default_str();
  app.add_option("--seconds", to.seconds, "Of one measurement, after a fifth of that to warm up")
      ->check(CLI::Range(0.01, 3600.0))
      ->capture_default_str();
  app.add_option("--json", to.json, "Also write the results into this file")->take_last();
  app.add_flag("--check", to.check, "Only check, in short, that every server does what it should");
}

int check_each(std::vector<server> const& servers, void (*check)(server_process&)) {
  int status = 0;
  for (server const& each : servers) {
    try {
      server_process process(each.command);
      check(process);
      process.stop();
      fmt::print("{}: ok\n", each.key);
    } catch (std::exception const& error) {
      fmt::print("{}: {}\n", each.key, error.what());
      status = 1;
    }
    std::fflush(stdout);
  }
  return status;
}

}  // namespace bench
