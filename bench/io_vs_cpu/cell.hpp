// One cell of the comparison as the worker programs see it: what to do, on what, for how long; and
// the line in which they say what came of it.
//   PROGRAM workload=tcp executor=threads clients=16 workers=0 seconds=0.3 ...
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace io_vs_cpu {

enum class workload { sleep, dns, tcp, cached, direct, hashing, primes, mix, spin };

struct cell {
  workload does = workload::sleep;
  std::string executor;
  std::size_t clients = 1;  // that do one operation after the other: threads, processes or tasks
  std::size_t workers = 0;  // of the pool, where there is one
  std::chrono::duration<double> length{0.3};
  std::uint16_t tcp_port = 0;
  std::uint16_t dns_port = 0;
  std::string files;             // lists the files to read, one a line
  std::string tree;              // lists those to hash
  std::uint64_t spin_turns = 0;  // see spin()
};

// Ends the program when the arguments are not those of a cell.
cell read_cell(int count, char** arguments);

// The processor time and the context switches that this process has had, with all its threads, and
// those of the processes that it has started: they are in its process group.
struct usage {
  std::int64_t processor_us = 0;
  std::int64_t switches = 0;
};
usage usage_so_far();

// The processes of a process group.
std::vector<pid_t> processes_of(pid_t group);

struct outcome {
  std::size_t done = 0;  // operations
  std::chrono::duration<double> took{0};
  usage before = {};  // the work
  usage after = {};
  std::string ticker = "none";  // where it runs: loop, thread, parent or none
  std::chrono::nanoseconds p99_gap{0};
  std::chrono::nanoseconds worst_gap{0};
};

// Prints the outcome and waits until stdin ends: so long the bench looks at the memory of this
// process and of those it has started.
void report(outcome const& of);

}  // namespace io_vs_cpu
