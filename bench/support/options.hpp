// What the command lines of the benches that compare servers have in common.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <CLI/App.hpp>

#include "support/servers.hpp"

namespace bench {

struct options {
  std::vector<std::string> servers;  // empty: all
  std::vector<std::size_t> connections;
  unsigned rounds = 15;
  double seconds = 0.5;
  std::string json;  // the file; empty: none
  bool check = false;

  [[nodiscard]] std::chrono::nanoseconds duration() const {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>(seconds));
  }
};

// `how_many` is the option for `connections`.
void add_options(CLI::App& app, options& to, std::string const& how_many = "--connections");

// Says `server: ok` or what is wrong for each, and yields the program's exit status.
int check_each(std::vector<server> const& servers, void (*check)(server_process&));

}  // namespace bench
