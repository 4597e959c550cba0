// Which cells the comparison has: workloads, executors, and how many clients and workers each gets.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace io_vs_cpu {

// One place of the comparison. What a run of it has yielded is a sample.
struct place {
  std::string workload;
  std::string executor;  // as people call it: "threads", "io_uring + processes", "asyncio"
  std::size_t clients;
  std::size_t workers = 0;  // of the pool, where there is one

  bool operator==(place const&) const = default;
  [[nodiscard]] bool is_python() const;
  [[nodiscard]] std::string executor_and_size()
      const;  // "16 threads", "loop: 64 tasks + 2 threads"
};

struct workload_text {
  char const* name;
  char const* title;
  char const* operation;
};

// In the order of the report.
std::span<workload_text const> workloads();

// What this machine and this build can do.
struct abilities {
  bool has_uring = false;
  bool has_dns = false;
  bool has_hash = false;
  bool has_direct = false;  // the file system takes O_DIRECT
  bool has_python = false;
};

// Clients of the workloads that only wait, for the curves over concurrency.
inline constexpr std::size_t thousand = 1'024;

// Clients in flight for the executors with a loop where the work is not waiting.
inline constexpr std::size_t tasks_of_files = 64;
inline constexpr std::size_t tasks_of_primes = 16;
inline constexpr std::size_t tasks_of_mix = 64;

// All that can be run, or with `is_quick` a part of it.
std::vector<place> all_places(abilities const& has, bool is_quick);

// The lines that say what was left out, and why.
std::vector<std::string> left_out(abilities const& has, bool is_quick);

}  // namespace io_vs_cpu
