// Running one cell in a process of its own, and what that process and all its children took.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "cells.hpp"

namespace io_vs_cpu {

struct sample {
  double per_second;  // operations
  double done;
  double took_s;
  double processor_s;  // of the program and its children, while they worked
  double server_s;     // processor time of the servers meanwhile
  double peak_mib;     // see peak_memory()
  double switches;     // of contexts, of all of them, voluntary or not
  double p99_gap_ms;   // of the ticker; NaN where there is none
  double worst_gap_ms;
};

struct measured {
  place at;
  std::vector<sample> rounds = {};
  std::string ticker = "none";
};

// What the cells are given beside their place.
struct surroundings {
  double seconds;  // of each cell
  std::uint16_t tcp_port = 0;
  std::uint16_t dns_port = 0;
  std::string files;
  std::string tree;
  std::string python;  // the interpreter; empty: none
  std::uint64_t spin_turns = 0;
  std::vector<pid_t> servers = {};
};

// Runs the place once. Throws when the program fails.
sample measure(measured& of, surroundings const& with);

// How many turns of spin() take a microsecond on this machine, when nothing else runs.
double turns_per_microsecond();

}  // namespace io_vs_cpu
