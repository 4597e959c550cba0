// What the rounds of this comparison say: tables, the ratios that count, and JSON.
#pragma once

#include <string>
#include <vector>

#include "contender.hpp"
#include "support/description.hpp"

namespace queue_bench {

struct measured {
  contender of;
  std::vector<sample> rounds = {};
};

struct measured_row {
  row at;
  std::vector<measured> contenders;
};

void print_table(measured_row const& of);

// Weft's own queue against Python, of each row: what this comparison is for.
void print_summary(std::vector<measured_row> const& rows);

// Everything, each round included. Throws if it cannot be written.
void write_json(std::string const& path, bench::description const& run,
                std::vector<measured_row> const& rows);

}  // namespace queue_bench
