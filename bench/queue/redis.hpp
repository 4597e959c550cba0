// A Redis server of the bench's own, and what redis-benchmark makes of it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "support/child_process.hpp"

namespace queue_bench {

class temporary_directory {
 public:
  temporary_directory();
  ~temporary_directory();
  temporary_directory(temporary_directory const&) = delete;
  temporary_directory& operator=(temporary_directory const&) = delete;

  [[nodiscard]] std::string const& path() const noexcept { return path_; }

 private:
  std::string path_;
};

// Listens on a Unix socket only, keeps nothing on disk, and dies with the bench.
class redis_server {
 public:
  explicit redis_server(std::optional<int> processor = {});

  [[nodiscard]] std::string socket() const { return directory_.path() + "/socket"; }
  [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }

 private:
  temporary_directory directory_;
  bench::child_process process_;
};

struct redis_figures {
  double requests_per_second;
  double p50_ms;
  double p99_ms;
};

// XADD of so large a value by so many clients, each with `pipelined` requests outstanding.
redis_figures run_redis_benchmark(redis_server const& server, std::optional<int> processor,
                                  std::size_t clients, std::size_t pipelined, std::size_t bytes,
                                  std::size_t requests);

}  // namespace queue_bench
