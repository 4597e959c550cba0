// Comparisons as tables for people and as JSON for programs.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "support/comparison.hpp"
#include "support/description.hpp"

namespace bench {

// One load, and what the servers made of it.
struct comparison {
  std::vector<std::pair<std::string, std::size_t>> load;  // its parameters and their values
  std::vector<measured_server> servers;
};

// Medians of the rounds, and the processor time in proportion to that of the two raw servers, with
// the 95 % interval. `title` describes the load, `unit` is what the servers serve: requests, say.
void print_table(std::string const& title, std::string const& unit,
                 std::vector<measured_server> const& servers);

// As an object of JSON.
std::string json(description const& run);

// Everything, each round included. Throws if it cannot be written.
void write_json(std::string const& path, description const& run,
                std::vector<comparison> const& comparisons);

}  // namespace bench
