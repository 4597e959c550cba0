// The sections of the report: a picture each, and the sentence that says what it shows.
#pragma once

#include <string>
#include <vector>

#include "results.hpp"

namespace io_vs_cpu {

struct section {
  std::string name;  // of the picture's file
  std::string title;
  std::string sentence;  // computed from the data
  std::string note;      // what one has to know to read the picture
  std::string script;    // of gnuplot
};

// Those that there are data for.
std::vector<section> sections_of(results const& of);

}  // namespace io_vs_cpu
