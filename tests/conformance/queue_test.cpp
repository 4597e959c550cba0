// The queue on the network: what its users are promised, over real connections.
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
using support::put_numbers;
using support::run_on;
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

TEST_CASE_ON_REAL_BACKENDS("a task goes to a worker, and its result to the one who put it") {
  with_server([](place const& here) -> weft::task<> {
    auto master = here.client();
    auto worker = here.client();
    auto const id = co_await master.put(std::vector{1, 2, 3});
    auto task = co_await worker.take();
    REQUIRE(task);
    CHECK(task->id() == id);
    CHECK(task->delivery() == 1);
    CHECK(task->value<std::vector<int>>() == std::vector{1, 2, 3});
    CHECK_THROWS_AS((void)task->value<std::string>(), std::runtime_error);
    CHECK(co_await master.depth() == queue_depth{.leased = 1});
    co_await worker.ack(std::move(*task), std::string("six"));
    auto results = master.results();
    auto const result = co_await results.next();
    REQUIRE(result);
    CHECK(result->id() == id);
    CHECK_FALSE(result->is_failure());
    CHECK(result->value<std::string>() == "six");
    CHECK_THROWS_AS((void)result->value<int>(), std::runtime_error);
    CHECK_THROWS_AS((void)result->dead_task<int>(), std::logic_error);
    CHECK(co_await master.depth() == queue_depth{});
  });
}

TEST_CASE_ON_REAL_BACKENDS("who takes waits for a task, and each is served in turn") {
  with_server([](place const& here) -> weft::task<> {
    auto worker = here.client();
    std::vector<int> taken;
    auto const take_one = [&]() -> weft::task<> {
      auto const task = co_await worker.take();
      taken.push_back(task->template value<int>());
    };
    std::vector<weft::join_handle<void>> takers;
    for (int i = 0; i < 3; ++i) takers.push_back(here.tasks().spawn(take_one));
    co_await worker.depth();  // so they are in line
    auto master = here.client();
    co_await put_numbers(master, 3);
    for (auto& each : takers) co_await each;
    CHECK(taken == std::vector{0, 1, 2});
  });
}

TEST_CASE_ON_REAL_BACKENDS("tasks are put, taken and ended in batches, in their order") {
  with_server([](place const& here) -> weft::task<> {
    auto queue = here.client();
    std::vector<int> numbers;
    for (int i = 0; i < 1'000; ++i) numbers.push_back(i);
    auto const ids = co_await queue.put_all(numbers);
    CHECK(std::set(ids.begin(), ids.end()).size() == 1'000);
    std::vector<int> seen;
    while (seen.size() < 1'000) {
      auto some = co_await queue.take(64);
      REQUIRE_FALSE(some.empty());
      CHECK(some.size() <= 64);
      std::vector<int> squares;
      for (auto const& each : some) {
        CHECK(each.id() == ids[seen.size()]);
        seen.push_back(each.value<int>());
        squares.push_back(seen.back() * seen.back());
      }
      co_await queue.ack_all(std::move(some), squares);
    }
    CHECK(seen == numbers);
    co_await queue.close();
    auto results = queue.results();
    int count = 0;
    for (; auto const result = co_await results.next(); ++count)
      CHECK(result->value<int>() == count * count);
    CHECK(count == 1'000);
    CHECK_THROWS_AS((void)queue.ack_all(std::vector<lease>(), std::vector{1}),
                    std::invalid_argument);
  });
}

TEST_CASE_ON_REAL_BACKENDS("a batch that no frame holds travels in several") {
  with_server([](place const& here) -> weft::task<> {
    auto queue = here.client();
    std::vector<std::string> const large(20, std::string(300'000, 'x'));
    CHECK((co_await queue.put_all(large)).size() == 20);
    std::size_t taken = 0;
    while (taken < 20) {
      auto some = co_await queue.take(20);
      CHECK(some.size() < 5);
      taken += some.size();
      std::vector<std::string> const results(some.size(), std::string(600'000, 'r'));
      co_await queue.ack_all(std::move(some), results);
    }
    auto results = queue.results();
    for (int i = 0; i < 20; ++i)
      CHECK((co_await results.next())->value<std::string>().size() == 600'000);
  });
}

TEST_CASE_ON_REAL_BACKENDS("a value above the limit is refused, and says what to put instead") {
  with_server([](place const& here) -> weft::task<> {
    auto queue = here.client();
    auto const why =
        co_await thrown_by<weft::net::value_too_large>(queue.put(std::string(1 << 20, 'x')));
    CHECK(why ==
          "weft: a task of 1048581 bytes, where the queue takes 1048576; put the data elsewhere, "
          "and its path or key in the queue");
    co_await queue.put(std::string((1 << 20) - 5, 'x'));
    auto task = co_await queue.take();
    CHECK(task->value<std::string>().size() == (1 << 20) - 5);
    CHECK(co_await thrown_by<weft::net::value_too_large>(
        queue.ack(std::move(*task), std::string(1 << 20, 'x'))));
  });
}

TEST_CASE_ON_REAL_BACKENDS("a put into a full queue waits for room, or is refused") {
  with_server({.capacity = 2}, [](place const& here) -> weft::task<> {
    auto queue = here.client();
    auto const known = co_await queue.put(0, {.key = "known"});
    co_await queue.put(1);
    auto const why = co_await thrown_by<weft::queue_full>(
        queue.put(3, {.at_limit = weft::net::when_full::refuse}));
    CHECK(why == "weft: queue 'tasks': the queue is full");
    CHECK(co_await queue.put(0, {.key = "known", .at_limit = weft::net::when_full::refuse}) ==
          known);
    auto waiting = here.tasks().spawn(
        [&]() -> weft::task<> { co_await queue.put_all(std::vector{2, 3, 4, 5}); });
    auto results = queue.results();
    for (int i = 0; i < 6; ++i) {
      co_await queue.ack(*co_await queue.take(), i);
      CHECK((co_await results.next())->value<int>() == i);
    }
    co_await waiting;
  });
}

TEST_CASE_ON_REAL_BACKENDS("a put that is cancelled while it waits leaves nothing behind") {
  with_server({.capacity = 1}, [](place const& here) -> weft::task<> {
    auto queue = here.client();
    co_await queue.put(1);
    auto const waiting = here.tasks().spawn([&]() -> weft::task<> { co_await queue.put(2); });
    co_await queue.depth();
    waiting.cancel();
    co_await queue.depth();
    co_await queue.ack(*co_await queue.take());
    auto results = queue.results();
    co_await results.next();
    CHECK(co_await queue.depth() == queue_depth{});
  });
}

TEST_CASE_ON_REAL_BACKENDS("a task with a key that is known is not put again") {
  with_server([](place const& here) -> weft::task<> {
    auto queue = here.client();
    auto const first = co_await queue.put(1, {.key = "once"});
    CHECK(co_await queue.put(1, {.key = "once"}) == first);
    auto const batch = co_await queue.put_all(std::vector{1, 2}, {.key = "all"});
    CHECK(co_await queue.put_all(std::vector{1, 2}, {.key = "all"}) == batch);
    CHECK(co_await queue.put(2, {.key = "all/1"}) == batch[1]);
    CHECK(co_await queue.depth() == queue_depth{.ready = 3});
    CHECK(co_await thrown_by<std::invalid_argument>(queue.put(1, {.key = std::string(256, 'k')})));
  });
}

TEST_CASE_ON_REAL_BACKENDS("a task that fails is tried again later, and is a dead letter at last") {
  with_server({.retry = {.attempts = 3, .first_delay = 20ms, .factor = 1}},
              [](place const& here) -> weft::task<> {
                auto queue = here.client();
                co_await queue.put(std::string("doomed"));
                for (unsigned delivery = 1; delivery <= 3; ++delivery) {
                  auto task = co_await queue.take();
                  CHECK(task->delivery() == delivery);
                  co_await queue.fail(std::move(*task), "attempt " + std::to_string(delivery));
                }
                CHECK(co_await queue.depth() == queue_depth{.dead = 1, .results = 1});
                auto results = queue.results();
                auto const result = co_await results.next();
                CHECK(result->is_failure());
                CHECK(result->error() == "attempt 3");
                CHECK(result->dead_task<std::string>() == "doomed");
                CHECK_THROWS_WITH_AS((void)result->value<int>(),
                                     "weft: task 1 was given up: attempt 3",
                                     weft::net::task_failed);
              });
}

TEST_CASE_ON_REAL_BACKENDS("a take that is cancelled loses no task") {
  with_server([](place const& here) -> weft::task<> {
    auto impatient = here.client();
    auto other = here.client();
    for (int i = 0; i < 100; ++i) {
      std::optional<lease> taken;
      auto const taking =
          here.tasks().spawn([&]() -> weft::task<> { taken = co_await impatient.take(); });
      auto const putting = here.tasks().spawn([&]() -> weft::task<> { co_await other.put(1); });
      // The task is anywhere on its way when the taker leaves.
      for (int turns = 0; turns < i % 20; ++turns) co_await weft::sleep_for(0s);
      if (!taking.ended()) taking.cancel();
      co_await putting;
      while (!taking.ended()) co_await weft::sleep_for(0s);
      auto& owner = taken ? impatient : other;
      if (!taken) taken = co_await other.take();
      INFO("turn ", i);
      CHECK(taken->delivery() == 1);
      co_await owner.ack(std::move(*taken));
    }
  });
}

TEST_CASE_ON_REAL_BACKENDS("a closed queue gives out what it has, and then nothing") {
  with_server([](place const& here) -> weft::task<> {
    auto queue = here.client();
    co_await queue.put(1);
    co_await queue.close();
    CHECK(co_await thrown_by<weft::net::queue_closed>(queue.put(2)) ==
          "weft: queue 'tasks' is closed");
    auto task = co_await queue.take();
    REQUIRE(task);
    bool has_ended = false;
    auto idle = here.client();
    auto waiting = here.tasks().spawn([&]() -> weft::task<> {
      CHECK_FALSE(co_await idle.take());
      has_ended = true;
    });
    co_await idle.depth();
    CHECK_FALSE(has_ended);  // the task may come back yet
    co_await queue.ack(std::move(*task), 1);
    co_await waiting;
    auto results = queue.results();
    CHECK(co_await results.next());
    CHECK_FALSE(co_await results.next());
    CHECK((co_await queue.take(9)).empty());
    co_await queue.open();
    co_await queue.put(3);
    CHECK((co_await queue.take())->value<int>() == 3);
  });
}

TEST_CASE_ON_REAL_BACKENDS("a known key is known also behind a put that waits for room") {
  with_server({.capacity = 1}, [](place const& here) -> weft::task<> {
    auto queue = here.client();
    auto const id = co_await queue.put(1, {.key = "known"});
    auto const waiting = here.tasks().spawn([&]() -> weft::task<> { co_await queue.put(2); });
    co_await queue.depth();
    CHECK(co_await queue.put(1, {.key = "known", .at_limit = weft::net::when_full::refuse}) == id);
    waiting.cancel();
  });
}

TEST_CASE_ON_REAL_BACKENDS("a policy that means nothing is refused") {
  for (auto const& policy :
       {weft::net::queue_policy{.capacity = 0}, weft::net::queue_policy{.lease = 0s},
        weft::net::queue_policy{.lease = std::chrono::nanoseconds::max()},
        weft::net::queue_policy{.retry = {.attempts = 0}},
        weft::net::queue_policy{.retry = {.longest_delay = 10'000h}},
        weft::net::queue_policy{.value_limit_bytes = SIZE_MAX}})
    CHECK_THROWS_AS(queue_server::bind("127.0.0.1:0", {.key = key, .policy = policy}),
                    std::invalid_argument);
  run_on<On>([]() -> weft::task<> {
    co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
      for (auto const* const address : {"", ":1", "a:", "fe80::1:80", "[::1:80", "[]:80", "a]:80"})
        CHECK_THROWS_AS(queue_client(tasks, address, "tasks", {.key = key}), std::invalid_argument);
      queue_client const good(tasks, "[::1]:80", "tasks", {.key = key});
      co_return;
    });
  }());
}

TEST_CASE_ON_REAL_BACKENDS("both ends ask a silent connection now and then whether it is there") {
  with_server([](place const& here) -> weft::task<> {
    auto queue = here.client();
    co_await queue.depth();
    auto const port = fmt::format(":{:04X}", weft::net::endpoint::parse(here.address()).port());
    // See proc_net_tcp(5): " 01 " is open, and "02:" a timer that asks when it ends. While
    // something that was sent is not acknowledged there is another timer.
    auto const asking = [&] {
      int count = 0;
      std::ifstream connections("/proc/net/tcp");
      for (std::string line; std::getline(connections, line);)
        if (line.find(port + " ") != line.npos && line.find(" 01 ") != line.npos &&
            line.find(" 02:") != line.npos)
          ++count;
      return count;
    };
    while (asking() != 2) co_await weft::sleep_for(1ms);
  });
}

TEST_CASE_ON_REAL_BACKENDS("queues of different names have nothing in common") {
  with_server([](place const& here) -> weft::task<> {
    auto one = here.client("one");
    auto other = here.client("other");
    co_await one.put(1);
    CHECK(co_await other.depth() == queue_depth{});
    CHECK_THROWS_AS((void)here.client(std::string(256, 'n')), std::invalid_argument);
  });
}

TEST_CASE_ON_REAL_BACKENDS("a stop lets workers finish, and tells them that nothing more comes") {
  run_on<On>([]() -> weft::task<> {
    co_await weft::scope([&](weft::task_scope& clients) -> weft::task<> {
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        auto server = queue_server::bind("127.0.0.1:0", {.key = key});
        auto const serving = tasks.spawn(server.serve());
        std::optional<queue_client> worker(std::in_place, clients, server.local().to_string(),
                                           "tasks", weft::net::queue_client_options{.key = key});
        co_await worker->put_all(std::vector{1, 2});
        auto task = co_await worker->take();
        tasks.request_stop();
        co_await weft::sleep_for(0s);
        CHECK_FALSE(co_await worker->take());
        co_await worker->ack(std::move(*task), 1);
        worker.reset();
        co_await serving;
      });
    });
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a client in the server's process shares the queue with those outside") {
  with_server([](place const& here) -> weft::task<> {
    auto master = here.inside();
    auto worker = here.client();
    bool is_served = false;
    auto waiting = here.tasks().spawn([&]() -> weft::task<> {
      auto task = co_await worker.take();
      co_await worker.ack(std::move(*task), task->template value<int>() * 2);
      is_served = true;
    });
    co_await worker.depth();
    CHECK_FALSE(is_served);
    auto const id = co_await master.put(21);
    auto results = master.results();
    auto const result = co_await results.next();
    CHECK(result->id() == id);
    CHECK(result->value<int>() == 42);
    co_await waiting;
    co_await worker.put(1);
    auto task = co_await master.take();
    CHECK(co_await worker.depth() == queue_depth{.leased = 1});
    co_await master.ack(std::move(*task));
    CHECK(co_await thrown_by<weft::net::value_too_large>(master.put(std::string(1 << 20, 'x'))));
    co_await master.close();
    CHECK_FALSE(co_await worker.take());
  });
}
