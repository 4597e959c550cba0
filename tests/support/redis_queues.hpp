// Queues in a Redis server of a test's own.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "support/backends.hpp"
#include "support/redis_server.hpp"
#include "weft/net/queue/redis.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

namespace support {

using weft::net::lease;
using weft::net::redis_queue;
using weft::net::redis_queue_options;
using weft::net::work_result;

// Runs the body with a server of its own, where there is one, and a scope for what it makes.
inline void with_server(std::function<weft::task<>(redis_server&, weft::task_scope&)> const& body,
                        std::vector<std::string> settings = {}) {
  if (!redis_server::is_there()) return;
  redis_server server(std::move(settings));
  run_on<On>([](auto& at, auto const& with) -> weft::task<> {
    co_await weft::scope(
        [&](weft::task_scope& tasks) -> weft::task<> { co_await with(at, tasks); });
  }(server, body));
}

inline redis_queue_options leases_of(std::chrono::nanoseconds lease) {
  redis_queue_options options;
  options.policy.lease = lease;
  options.policy.retry = {
      .attempts = 5, .first_delay = std::chrono::milliseconds(1), .factor = 1, .jitter = 0};
  return options;
}

inline weft::task<lease> taken_from(redis_queue& queue) {
  auto taken = co_await queue.take();
  REQUIRE(taken.has_value());
  co_return std::move(*taken);
}

// The next so many results.
inline weft::task<std::vector<work_result>> results_of(redis_queue& queue, std::size_t count) {
  std::vector<work_result> all;
  auto results = queue.results();
  while (all.size() < count) {
    auto next = co_await results.next();
    REQUIRE(next.has_value());
    all.push_back(std::move(*next));
  }
  co_return all;
}

}  // namespace support
