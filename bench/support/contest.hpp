// Programs measured against each other at the same work, in turns: each is a command that prints
// how many nanoseconds one operation took.
#pragma once

#include <string>
#include <vector>

namespace bench {

struct contender {
  std::string name;
  std::string command;
  std::vector<double> nanoseconds = {};  // of each round
};

struct contest {
  std::string name;
  std::string what;
  std::vector<contender> contenders;  // the first is what the others are compared with
};

// The directory that this program is in, where the contenders are, too.
std::string program_directory();

// A whole benchmark: reads the command line (--rounds, --only, --json), runs the contests, each
// contender once a round, prints tables, and yields the exit code.
int run_contests(int argc, char** argv, std::string const& purpose, std::vector<contest> contests);

}  // namespace bench
