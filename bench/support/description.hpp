// What a run's numbers depend on: the lines at the head of its table, which are in its JSON too.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace bench {

using description = std::vector<std::pair<std::string, std::string>>;

// The machine, the kernel and the compiler, then what the bench has to add, then the command.
description describe_run(int argc, char** argv, description const& more);

void print(description const& run);

}  // namespace bench
