// The queue in Redis while its server is killed again and again, and some of its workers, too.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "support/redis_queues.hpp"

using namespace std::chrono_literals;
using support::redis_server;
using support::run_on;
using weft::net::redis_queue;

namespace {

constexpr int task_count = 100'000;
constexpr int put_at_once = 250;
constexpr int server_kills = 20;
constexpr int workers = 4;

weft::net::redis_queue_options options() {
  auto made = support::leases_of(1s);
  made.policy.retry.attempts = 1'000;  // no task is to blame for what befalls its workers
  made.reconnect = {.attempts = 10'000, .first_delay = 10ms, .longest_delay = 100ms};
  return made;
}

// What a worker makes of a task: its number, and how often it had been delivered.
using outcome = std::pair<int, std::uint32_t>;

weft::task<> work(std::string server) {
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    redis_queue queue(tasks, server, "work", options());
    for (;;) {
      auto taken = co_await queue.take(32);
      if (taken.empty()) co_return;
      std::vector<outcome> outcomes;
      for (auto const& each : taken) outcomes.emplace_back(each.value<int>(), each.delivery());
      try {
        if (outcomes[0].first % 50 == 0 && outcomes[0].second == 1) {
          co_await queue.fail(std::move(taken.front()), "another time");
          taken.erase(taken.begin());
          outcomes.erase(outcomes.begin());
        }
        co_await queue.ack_all(std::move(taken), outcomes);
      } catch (weft::net::lease_lost const&) {}  // it was done, or somebody else will
    }
  });
}

// A process that works until nothing is left. Forked while no loop runs.
class worker {
 public:
  explicit worker(std::string const& server) : process_(fork_with_nothing_to_write()) {
    REQUIRE(process_ >= 0);
    if (process_ != 0) return;
    try {
      run_on<On>(work(server));
    } catch (std::exception const& error) {
      std::fprintf(stderr, "worker: %s\n", error.what());
      ::_exit(1);
    }
    ::_exit(0);
  }
  worker(worker&& other) noexcept : process_(std::exchange(other.process_, -1)) {}
  worker& operator=(worker&&) = delete;
  ~worker() {
    if (process_ > 0) kill();
  }

  void kill() {
    ::kill(process_, SIGKILL);
    ::waitpid(std::exchange(process_, -1), nullptr, 0);
  }

  void end() {
    int status = -1;
    ::waitpid(std::exchange(process_, -1), &status, 0);
    CHECK(status == 0);
  }

 private:
  // Else the child writes, too, what the parent has not written yet.
  static pid_t fork_with_nothing_to_write() {
    std::cout.flush();
    std::fflush(nullptr);
    return ::fork();
  }

  pid_t process_;
};

struct arrivals {
  int times = 0;
  std::uint32_t most_deliveries = 0;
};

weft::task<> put_all(redis_queue& queue) {
  for (int begin = 0; begin < task_count; begin += put_at_once) {
    std::vector<int> numbers;
    for (int i = begin; i < begin + put_at_once; ++i) numbers.push_back(i);
    co_await queue.put_all(numbers, {.key = "from " + std::to_string(begin)});
  }
  co_await queue.close();
}

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("a Redis server that is killed twenty times loses no task") {
  if (!redis_server::is_there()) return;
  redis_server server({"--appendonly", "yes", "--appendfsync", "always"});
  std::vector<worker> working;
  std::vector<worker> doomed;
  for (int i = 0; i < workers; ++i) {
    working.emplace_back(server.socket());
    doomed.emplace_back(server.socket());
  }
  std::map<int, arrivals> arrived;
  int kills = 0;
  run_on<On>([&]() -> weft::task<> {
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      redis_queue queue(tasks, server.socket(), "work", options());
      auto const putting = tasks.spawn(put_all(queue));
      auto results = queue.results();
      while (auto const next = co_await results.next()) {
        auto const [number, delivery] = next->value<outcome>();
        auto& of = arrived[number];
        ++of.times;
        of.most_deliveries = std::max(of.most_deliveries, delivery);
        if (arrived.size() * (server_kills + 1) < static_cast<std::size_t>(kills + 1) * task_count)
          continue;
        server.kill();
        server.start();
        if (++kills % 5 == 0) doomed.pop_back();
      }
      co_await putting;
    });
  }());
  for (auto& each : working) each.end();
  int twice = 0;
  int unexplained = 0;
  int delivered_again = 0;
  for (auto const& [number, of] : arrived) {
    if (of.most_deliveries > 1) ++delivered_again;
    if (of.times == 1) continue;
    ++twice;
    if (of.most_deliveries == 1) ++unexplained;
  }
  MESSAGE(kills, " kills, ", delivered_again, " tasks delivered again, ", twice, " results twice");
  CHECK(kills >= server_kills);
  CHECK(arrived.size() == task_count);
  CHECK(unexplained == 0);
}
