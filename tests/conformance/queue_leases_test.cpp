// Leases of the queue on the network: how they are kept up, and how they end.
#include "weft/net/queue/client.hpp"

#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <optional>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "support/backends.hpp"
#include "support/queue_place.hpp"
#include "weft/net.hpp"
#include "weft/net/queue/server.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::thrown_by;
using weft::net::lease;
using weft::net::queue_client;
using weft::net::queue_depth;
using weft::net::queue_server;

namespace {

using place = support::queue_place;
constexpr auto key = place::key;

void with_server(weft::net::queue_policy policy,
                 std::function<weft::task<>(place const&)> const& body) {
  support::with_queue_server<On>({.key = key, .policy = policy}, body);
}

void with_server(std::function<weft::task<>(place const&)> const& body) { with_server({}, body); }

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("a lease ends with its connection, and the task goes to another") {
  with_server([](place const& here) -> weft::task<> {
    auto other = here.client();
    std::optional<lease> kept;
    {
      auto worker = here.client();
      co_await worker.put_all(std::vector{1, 2});
      kept = co_await worker.take();
    }
    auto task = co_await other.take();
    CHECK(task->value<int>() == 1);  // before what was put later
    CHECK(task->delivery() == 2);
    CHECK(co_await thrown_by<weft::net::lease_lost>(other.ack(std::move(*kept), 0)));
    co_await other.ack(std::move(*task), 1);
  });
}

TEST_CASE_ON_REAL_BACKENDS("a lease that is dropped runs out") {
  with_server({.lease = 50ms}, [](place const& here) -> weft::task<> {
    auto queue = here.client();
    co_await queue.put(1);
    { auto const dropped = co_await queue.take(); }
    auto const again = co_await queue.take();
    CHECK(again->delivery() == 2);
  });
}

TEST_CASE_ON_REAL_BACKENDS("a lease that is held is kept up, however long that is") {
  with_server({.lease = 1s}, [](place const& here) -> weft::task<> {
    auto queue = here.client();
    co_await queue.put(1);
    auto held = co_await queue.take();
    co_await weft::sleep_for(2s);
    CHECK(co_await queue.depth() == queue_depth{.leased = 1});
    co_await queue.ack(std::move(*held));
  });
}

TEST_CASE_ON_REAL_BACKENDS(
    "a worker that was stopped past its lease is overtaken, and cannot ack") {
  with_server({.lease = 200ms}, [](place const& here) -> weft::task<> {
    auto other = here.client();
    co_await other.put_all(std::vector{1, 2});
    std::string const address = here.address();
    // The worker's loop is another, which stands still until the other has the task.
    std::binary_semaphore has_taken(0);
    std::binary_semaphore is_overtaken(0);
    std::vector<std::string> lost;
    std::thread stopped([&] {
      weft::run([](auto at, auto& taken, auto& overtaken, auto& lost_ids) -> weft::task<> {
        co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
          queue_client worker(tasks, at, "tasks", {.key = key});
          auto both = co_await worker.take(2);
          CHECK(both.size() == 2);
          taken.release();
          overtaken.acquire();  // the loop is blocked meanwhile
          auto failing = std::move(both.back());
          both.pop_back();
          CHECK(co_await thrown_by<weft::net::lease_lost>(worker.fail(std::move(failing), "late")));
          try {
            co_await worker.ack_all(std::move(both), std::vector{0});
          } catch (weft::net::lease_lost const& error) {
            lost_ids = error.ids();
          }
        });
      }(address, has_taken, is_overtaken, lost));
    });
    auto const semaphore = co_await weft::blocking([&] { return has_taken.acquire(), true; });
    CHECK(semaphore);
    std::vector<lease> tasks;
    while (tasks.size() < 2)
      for (auto& each : co_await other.take(2)) tasks.push_back(std::move(each));
    is_overtaken.release();
    co_await weft::blocking([&] { stopped.join(); });
    CHECK(lost == std::vector<std::string>{"1"});
    CHECK(tasks[0].delivery() == 2);
    co_await other.ack_all(std::move(tasks), std::vector{1, 2});
    auto results = other.results();
    CHECK((co_await results.next())->value<int>() == 1);
    CHECK((co_await results.next())->value<int>() == 2);
  });
}

TEST_CASE_ON_REAL_BACKENDS("more leases are kept up than one message could name") {
  weft::net::queue_policy const policy{.lease = 1s, .value_limit_bytes = 100};
  with_server(policy, [](place const& here) -> weft::task<> {
    auto queue = here.client();
    co_await queue.put_all(std::vector<int>(10'000, 7));
    std::vector<lease> held;
    while (held.size() < 10'000)
      for (auto& each : co_await queue.take(10'000)) held.push_back(std::move(each));
    co_await weft::sleep_for(2s);
    CHECK(co_await queue.depth() == queue_depth{.leased = 10'000});
    co_await queue.ack_all(std::move(held), std::vector<int>(10'000, 8));
  });
}

TEST_CASE_ON_REAL_BACKENDS("a client inside keeps its leases up, and gives them back at its end") {
  with_server({.lease = 1s}, [](place const& here) -> weft::task<> {
    auto other = here.client();
    co_await other.put(1);
    std::optional<lease> kept;
    {
      auto inside = here.inside();
      kept = co_await inside.take();
      co_await weft::sleep_for(2s);
      CHECK(co_await other.depth() == queue_depth{.leased = 1});
    }
    auto task = co_await other.take();
    CHECK(task->delivery() == 2);
    auto inside = here.inside();
    CHECK(co_await thrown_by<weft::net::lease_lost>(inside.ack(std::move(*kept))));
    auto const waiting = here.tasks().spawn([&]() -> weft::task<> { co_await inside.take(); });
    co_await weft::sleep_for(0s);
    waiting.cancel();
    while (!waiting.ended()) co_await weft::sleep_for(0s);
    co_await other.put(2);
    CHECK((co_await other.take())->value<int>() == 2);  // not lost to who has left
  });
}
