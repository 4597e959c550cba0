// The report of a run: one HTML file that holds everything, pictures too, the same in Markdown with
// the pictures beside it, a table for the terminal, and JSON.
#pragma once

#include <string>

#include "results.hpp"
#include "support/description.hpp"

namespace io_vs_cpu {

void print_tables(results const& of);

// Writes report.html, report.md and the pictures into the directory, which is made.
void write_report(std::string const& directory, bench::description const& run_of,
                  results const& of);

// Everything, each round included. Throws if it cannot be written.
void write_json(std::string const& path, bench::description const& run_of, results const& of);

}  // namespace io_vs_cpu
