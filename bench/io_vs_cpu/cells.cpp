// See cells.hpp.
#include "cells.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

#include <fmt/format.h>

namespace io_vs_cpu {

namespace {

constexpr std::array<workload_text, 8> texts{{
    {"sleep", "Sleep fan-out", "a sleep of 20 ms"},
    {"dns", "DNS fan-out", "a name asked of a name server that answers after 20 ms"},
    {"tcp", "TCP fan-out", "64 bytes to a server that sends them back after 20 ms"},
    {"cached", "Files, cached", "a file of 16 KiB in the page cache opened, read and closed"},
    {"direct", "Files, direct", "the same with O_DIRECT, from the device"},
    {"hashing", "Hashing", "a header file of 4 to 64 KiB read, and its SHA-256"},
    {"primes", "Primes", "the primes from 1,000,000 to 1,020,000 by trial division"},
    {"mix", "Mix", "a request: nine in ten wait as in TCP, one counts primes five times"},
}};

using sizes = std::initializer_list<std::size_t>;

class collector {
 public:
  explicit collector(abilities const& has) : has_(has) {}

  void add(char const* workload, char const* executor, sizes clients, std::size_t workers = 0) {
    for (std::size_t const count : clients) {
      place const made{workload, executor, count, workers};
      if (made.is_python() && !has_.has_python) continue;
      if (made.executor == "io_uring" && !has_.has_uring) continue;
      places.push_back(made);
    }
  }

  std::vector<place> places;

 private:
  abilities has_;
};

void add_plain(collector& to, char const* workload, sizes threads, sizes processes = {1, 2, 4}) {
  to.add(workload, "blocking", {1});
  to.add(workload, "threads", threads);
  to.add(workload, "processes", processes);
}

// Waits only: there is nothing for a pool to do.
void add_waiting(collector& to, char const* workload, bool is_quick) {
  if (is_quick) {
    to.add(workload, "blocking", {1});
    to.add(workload, "threads", {16, 256});
    to.add(workload, "processes", {4});
    to.add(workload, "epoll", {16, 256});
    to.add(workload, "io_uring", {16, 256});
    to.add(workload, "Python threads", {16});
    to.add(workload, "asyncio", {256});
    return;
  }
  add_plain(to, workload, {1, 2, 4, 16, 256});
  to.add(workload, "epoll", {1, 16, 256, thousand});
  to.add(workload, "io_uring", {1, 16, 256, thousand});
  to.add(workload, "Python blocking", {1});
  to.add(workload, "Python threads", {1, 16, 256});
  to.add(workload, "Python processes", {4});
  to.add(workload, "asyncio", {1, 16, 256, thousand});
}

void add_with_pools(collector& to, char const* workload, std::size_t tasks, sizes workers) {
  to.add(workload, "epoll", {tasks});
  to.add(workload, "io_uring", {tasks});
  for (std::size_t const size : workers) to.add(workload, "loop + threads", {tasks}, size);
  for (std::size_t const size : workers) to.add(workload, "loop + processes", {tasks}, size);
}

void add_python(collector& to, char const* workload, std::size_t tasks, sizes threads,
                sizes processes) {
  to.add(workload, "Python blocking", {1});
  to.add(workload, "Python threads", threads);
  to.add(workload, "Python processes", processes);
  to.add(workload, "asyncio", {tasks});
  to.add(workload, "asyncio + threads", {tasks}, 2);
  to.add(workload, "asyncio + processes", {tasks}, 2);
}

void add_files(collector& to, abilities const& has) {
  sizes const threads{1, 2, 4, 16, 256};
  add_plain(to, "cached", threads);
  add_with_pools(to, "cached", tasks_of_files, {2});
  add_python(to, "cached", tasks_of_files, {2, 16}, {2});
  if (!has.has_direct) return;
  add_plain(to, "direct", threads);
  add_with_pools(to, "direct", tasks_of_files, {2});
  to.add("direct", "loop + threads", {tasks_of_files}, 16);
}

void add_computing(collector& to, abilities const& has) {
  sizes const threads{1, 2, 4, 16, 256};
  if (has.has_hash) {
    add_plain(to, "hashing", threads);
    add_with_pools(to, "hashing", tasks_of_files, {2});
    add_python(to, "hashing", tasks_of_files, {2}, {2});
  }
  add_plain(to, "primes", threads);
  add_with_pools(to, "primes", tasks_of_primes, {1, 2, 4});
  add_python(to, "primes", tasks_of_primes, {1, 2, 4}, {1, 2, 4});
  add_plain(to, "mix", threads);
  add_with_pools(to, "mix", tasks_of_mix, {2});
  add_python(to, "mix", tasks_of_mix, {16}, {4});
}

// The same with fewer sizes, and Python only where a picture shows it.
void add_some(collector& to, abilities const& has) {
  add_plain(to, "cached", {2, 16}, {2});
  add_with_pools(to, "cached", tasks_of_files, {2});
  to.add("cached", "asyncio", {tasks_of_files});
  if (has.has_direct) {
    add_plain(to, "direct", {2, 16}, {2});
    add_with_pools(to, "direct", tasks_of_files, {2});
  }
  if (has.has_hash) {
    add_plain(to, "hashing", {2, 16}, {2});
    add_with_pools(to, "hashing", tasks_of_files, {2});
    to.add("hashing", "asyncio", {tasks_of_files});
  }
  add_plain(to, "primes", {1, 2, 4});
  add_with_pools(to, "primes", tasks_of_primes, {1, 2, 4});
  to.add("primes", "Python blocking", {1});
  to.add("primes", "Python threads", {2});
  to.add("primes", "Python processes", {2});
  add_plain(to, "mix", {16}, {4});
  add_with_pools(to, "mix", tasks_of_mix, {2});
  to.add("mix", "asyncio", {tasks_of_mix});
}

// "1 task", "2 tasks"
std::string counted(std::size_t count, std::string things) {
  if (count == 1) things.resize(things.size() - (things == "processes" ? 2 : 1));
  return fmt::format("{} {}", count, things);
}

}  // namespace

bool place::is_python() const {
  return executor.starts_with("Python") || executor.starts_with("asyncio");
}

std::string place::executor_and_size() const {
  char const* const in_python = is_python() ? " in Python" : "";
  if (executor.ends_with("blocking")) return fmt::format("blocking calls{}", in_python);
  bool const is_plain = workers == 0 && !executor.starts_with("asyncio");
  for (auto const* const kind : {"threads", "processes"}) {
    if (!executor.ends_with(kind)) continue;
    if (is_plain) return fmt::format("{}{}", counted(clients, kind), in_python);
    return fmt::format("{} {} with {}", counted(clients, "tasks"),
                       executor.starts_with("asyncio") ? "in asyncio" : "on a loop",
                       counted(workers, kind));
  }
  return fmt::format("{} {} {}", counted(clients, "tasks"), is_python() ? "in" : "on", executor);
}

std::span<workload_text const> workloads() { return texts; }

std::vector<place> all_places(abilities const& has, bool is_quick) {
  collector to(has);
  add_waiting(to, "sleep", is_quick);
  if (has.has_dns) add_waiting(to, "dns", is_quick);
  add_waiting(to, "tcp", is_quick);
  if (is_quick) {
    add_some(to, has);
  } else {
    add_files(to, has);
    add_computing(to, has);
  }
  return to.places;
}

std::vector<std::string> left_out(abilities const& has, bool is_quick) {
  std::vector<std::string> lines{
      "sleep, DNS and TCP on the pools: waiting is what the loop does; a pool would only limit how "
      "many wait",
      "256 processes: they would measure the memory of the machine, and nobody waits that way",
      "direct reads in Python: it has no aligned buffers of its own"};
  if (!has.has_uring) lines.emplace_back("io_uring: this kernel does not allow it");
  if (!has.has_dns) lines.emplace_back("DNS: built without the resolver or the examples");
  if (!has.has_hash) lines.emplace_back("hashing: built without libcrypto");
  if (!has.has_direct) lines.emplace_back("direct reads: the file system refuses O_DIRECT");
  if (!has.has_python) lines.emplace_back("Python: there is no python3");
  if (is_quick)
    lines.emplace_back("with --quick most numbers of threads and of tasks, and most of Python");
  return lines;
}

}  // namespace io_vs_cpu
