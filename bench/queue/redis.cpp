// See redis.hpp.
#include "redis.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include <fmt/format.h>

namespace queue_bench {

temporary_directory::temporary_directory()
    : path_((std::filesystem::temp_directory_path() / "weft-bench-XXXXXX").string()) {
  if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
}

temporary_directory::~temporary_directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

redis_server::redis_server(std::optional<int> processor)
    : process_({.arguments = {"redis-server", "--port", "0", "--unixsocket", socket(), "--save", "",
                              "--dir", directory_.path()}},
               processor) {
  while (process_.read_line().find("ready to accept connections") == std::string::npos) continue;
}

redis_figures run_redis_benchmark(redis_server const& server, std::optional<int> processor,
                                  std::size_t clients, std::size_t pipelined, std::size_t bytes,
                                  std::size_t requests) {
  // A stream of bounded length, as of a queue whose tasks are done.
  bench::child_process ran(
      {.arguments = {"redis-benchmark", "-s", server.socket(), "--csv", "-c",
                     std::to_string(clients), "-P", std::to_string(pipelined), "-n",
                     std::to_string(requests), "XADD", "stream", "MAXLEN", "~", "1000", "*",
                     "value", std::string(bytes, 'x')}},
      processor);
  ran.read_line();  // the names of the columns
  auto const line = ran.read_line();
  // "the command","rps","avg","min","p50","p95","p99","max", and the command is long.
  std::size_t at = line.size();
  for (int column = 0; column < 7 && at != std::string::npos && at > 0; ++column)
    at = line.rfind(",\"", at - 1);
  double average = 0;
  double least = 0;
  double p95 = 0;
  redis_figures of{};
  if (at == std::string::npos ||
      std::sscanf(line.c_str() + at, R"(,"%lf","%lf","%lf","%lf","%lf","%lf",)",  // NOLINT
                  &of.requests_per_second, &average, &least, &of.p50_ms, &p95, &of.p99_ms) != 6)
    throw std::runtime_error("redis-benchmark did not say what it has measured");
  return of;
}

}  // namespace queue_bench
