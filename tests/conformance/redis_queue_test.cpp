// The queue in Redis, with a real server.
#include "weft/net/queue/redis.hpp"

#include <cerrno>
#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "queue/redis_store.hpp"
#include "support/redis_queues.hpp"

using namespace std::chrono_literals;
using support::leases_of;
using support::redis_server;
using support::results_of;
using support::run_on;
using support::taken_from;
using support::with_server;
using weft::net::queue_depth;
using weft::net::redis_client;
using weft::net::redis_queue;
using weft::net::redis_queue_options;
using weft::net::when_full;

TEST_CASE_ON_REAL_BACKENDS("redis: what is put is taken, and its result has the task's id") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    redis_queue queue(tasks, server.socket(), "work");
    std::string const bytes("\0\r\n$5\xff", 7);
    auto const id = co_await queue.put(bytes);
    CHECK(co_await queue.depth() == queue_depth{.ready = 1});
    auto taken = co_await taken_from(queue);
    CHECK(taken.id() == id);
    CHECK(taken.delivery() == 1);
    CHECK(taken.value<std::string>() == bytes);
    CHECK(co_await queue.depth() == queue_depth{.leased = 1});
    co_await queue.ack(std::move(taken), 42);
    CHECK(co_await queue.depth() == queue_depth{.results = 1});
    auto const results = co_await results_of(queue, 1);
    CHECK(results[0].id() == id);
    CHECK(results[0].value<int>() == 42);
    CHECK_FALSE(results[0].is_failure());
    CHECK(co_await queue.depth() == queue_depth{});
  });
}

TEST_CASE_ON_REAL_BACKENDS("redis: many tasks are put, taken and ended in a few messages") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    constexpr int count = 5'000;
    redis_queue queue(tasks, server.socket(), "work");
    std::vector<int> numbers(count);
    for (int i = 0; i < count; ++i) numbers[static_cast<std::size_t>(i)] = i;
    auto const ids = co_await queue.put_all(numbers);
    std::map<std::string, int> by_id;
    for (std::size_t i = 0; i < ids.size(); ++i) by_id[ids[i]] = numbers[i];
    CHECK(by_id.size() == count);
    int next = 0;
    while (next < count) {
      auto some = co_await queue.take(100);
      CHECK(some.size() <= 100);
      std::vector<int> squares;
      for (auto const& each : some) {
        CHECK(each.value<int>() == next++);
        squares.push_back(each.value<int>() * 2);
      }
      co_await queue.ack_all(std::move(some), squares);
    }
    int right = 0;
    for (auto const& each : co_await results_of(queue, count))
      if (each.value<int>() == by_id.at(each.id()) * 2) ++right;
    CHECK(right == count);
    CHECK_THROWS_AS(co_await queue.take(0), std::invalid_argument);
  });
}

TEST_CASE_ON_REAL_BACKENDS("redis: who waits for tasks is served in turn") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    redis_queue queue(tasks, server.socket(), "work");
    std::vector<std::vector<int>> got(3);
    co_await weft::scope([&](weft::task_scope& takers) -> weft::task<> {
      for (auto& mine : got)
        takers.spawn([&queue, &mine]() -> weft::task<> {
          for (auto const& each : co_await queue.take(2)) mine.push_back(each.value<int>());
        });
      co_await weft::yield();
      co_await queue.put_all(std::vector{1, 2, 3, 4, 5});
    });
    CHECK(got == std::vector<std::vector<int>>{{1, 2}, {3, 4}, {5}});
  });
}

TEST_CASE_ON_REAL_BACKENDS("redis: a task that fails comes again after a delay, and dies at last") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    auto options = leases_of(1h);
    options.policy.retry.attempts = 3;
    redis_queue queue(tasks, server.socket(), "work", options);
    auto const id = co_await queue.put(std::string("task"));
    for (unsigned delivery = 1; delivery <= 3; ++delivery) {
      auto taken = co_await taken_from(queue);
      CHECK(taken.id() == id);
      CHECK(taken.delivery() == delivery);
      CHECK(taken.value<std::string>() == "task");
      co_await queue.fail(std::move(taken), "failure " + std::to_string(delivery));
    }
    CHECK(co_await queue.depth() == queue_depth{.dead = 1, .results = 1});
    auto const results = co_await results_of(queue, 1);
    CHECK(results[0].id() == id);
    CHECK(results[0].is_failure());
    CHECK(results[0].error() == "failure 3");
    CHECK(results[0].dead_task<std::string>() == "task");

    options.policy.retry.first_delay = options.policy.retry.longest_delay = 1h;
    redis_queue patient(tasks, server.socket(), "patient", options);
    co_await patient.put(1);
    co_await patient.fail(co_await taken_from(patient), "not now");
    CHECK(co_await patient.depth() == queue_depth{.delayed = 1});
    CHECK_THROWS_AS(co_await weft::with_timeout(20ms, patient.take()), weft::timed_out);
  });
}

TEST_CASE_ON_REAL_BACKENDS("redis: a task with a key that is known is not put again") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    redis_queue_options options;
    options.policy.capacity = 3;
    redis_queue queue(tasks, server.socket(), "work", options);
    auto const id = co_await queue.put(1, {.key = "one"});
    CHECK(co_await queue.put(2, {.key = "one"}) == id);
    auto const ids = co_await queue.put_all(std::vector{3, 4}, {.key = "more"});
    auto const refuse = when_full::refuse;  // there is no room, but nothing new either
    CHECK(co_await queue.put_all(std::vector{3, 4}, {.key = "more", .at_limit = refuse}) == ids);
    CHECK((co_await queue.depth()).ready == 3);
    co_await queue.ack(co_await taken_from(queue));
    CHECK(co_await queue.put(1, {.key = "one"}) == id);
    CHECK((co_await queue.depth()).ready == 2);
    CHECK_THROWS_AS(co_await queue.put(1, {.key = std::string(256, 'k')}), std::invalid_argument);
  });
}

TEST_CASE_ON_REAL_BACKENDS("redis: a full queue refuses, or lets wait until there is room") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    redis_queue_options options;
    options.policy.capacity = 2;
    redis_queue queue(tasks, server.socket(), "work", options);
    co_await queue.put(1);
    CHECK_THROWS_AS(co_await queue.put_all(std::vector{2, 3}, {.at_limit = when_full::refuse}),
                    weft::queue_full);
    CHECK((co_await queue.depth()).ready == 1);
    std::vector<int> seen;
    co_await weft::scope([&](weft::task_scope& putting) -> weft::task<> {
      auto waiting = putting.spawn(queue.put_all(std::vector{2, 3, 4}));
      while ((co_await queue.depth()).ready < 2) co_await weft::yield();
      CHECK_THROWS_AS(co_await queue.put(5, {.at_limit = when_full::refuse}), weft::queue_full);
      for (int i = 0; i < 4; ++i) {
        auto taken = co_await taken_from(queue);
        seen.push_back(taken.value<int>());
        co_await queue.ack(std::move(taken));
        co_await results_of(queue, 1);  // confirmed with the next
        if (i == 1) CHECK_FALSE(waiting.ended());
      }
      CHECK((co_await waiting).size() == 3);
    });
    CHECK(seen == std::vector{1, 2, 3, 4});
  });
}

TEST_CASE_ON_REAL_BACKENDS("redis: what was put in part without a key is not put again") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    redis_queue_options options;
    options.policy.capacity = 2;
    redis_queue queue(tasks, server.socket(), "work", options);
    co_await weft::scope([&](weft::task_scope& putting) -> weft::task<> {
      putting.spawn([&]() -> weft::task<> {
        try {
          co_await queue.put_all(std::vector{1, 2, 3});
          FAIL("there was room for two");
        } catch (std::system_error const& error) {
          CHECK(error.code().value() == ECONNRESET);  // and not ECONNREFUSED, which is tried again
        }
      });
      while ((co_await queue.depth()).ready < 2) co_await weft::yield();
      server.kill();
    });
  });
}

TEST_CASE_ON_REAL_BACKENDS("redis: a closed queue takes nothing, gives what is left, and ends") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    redis_queue queue(tasks, server.socket(), "work");
    redis_queue other(tasks, server.socket(), "work");
    co_await queue.put(1);
    co_await queue.close();
    CHECK_THROWS_WITH_AS(co_await other.put(2), "weft: queue 'work' is closed",
                         weft::net::queue_closed);
    auto last = co_await taken_from(other);
    bool has_ended = false;
    co_await weft::scope([&](weft::task_scope& waiting) -> weft::task<> {
      waiting.spawn([&]() -> weft::task<> { has_ended = !(co_await queue.take()).has_value(); });
      co_await weft::sleep_for(20ms);
      CHECK_FALSE(has_ended);  // it may still fail, and come again
      co_await other.ack(std::move(last));
    });
    CHECK(has_ended);
    auto results = queue.results();
    CHECK((co_await results.next()).has_value());
    CHECK_FALSE((co_await results.next()).has_value());
    co_await other.open();
    co_await queue.put(3);
    CHECK((co_await taken_from(other)).value<int>() == 3);
  });
}

TEST_CASE_ON_REAL_BACKENDS("redis: values, names and policies that are none are refused") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    redis_queue_options options;
    options.policy.value_limit_bytes = 100;
    redis_queue queue(tasks, server.socket(), "work", options);
    std::string const large(200, 'x');
    CHECK_THROWS_AS(co_await queue.put(large), weft::net::value_too_large);
    co_await queue.put(1);
    auto taken = co_await taken_from(queue);
    CHECK_THROWS_AS(co_await queue.ack(std::move(taken), large), weft::net::value_too_large);
    CHECK((co_await queue.depth()).leased == 1);
    for (auto const& name : {std::string(), std::string("{x"), std::string(256, 'n')})
      CHECK_THROWS_AS(redis_queue(tasks, server.socket(), name), std::invalid_argument);
    CHECK_THROWS_AS(redis_queue(tasks, "nonsense", "work"), std::invalid_argument);
    CHECK_THROWS_AS(redis_queue(tasks, server.socket(), "work", leases_of(1us)),
                    std::invalid_argument);
    options.redis.reply_limit_bytes = 100;
    CHECK_THROWS_AS(redis_queue(tasks, server.socket(), "work", options), std::invalid_argument);
  });
}

TEST_CASE_ON_REAL_BACKENDS("redis: no reply is larger than the limit, however much is asked for") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    redis_queue_options options;
    options.policy.value_limit_bytes = 10'000;
    options.redis.reply_limit_bytes = 50'000;
    redis_queue queue(tasks, server.socket(), "work", options);
    std::vector<std::string> const values(40, std::string(9'990, 'x'));
    co_await queue.put_all(values);
    for (std::size_t taken = 0; taken < values.size();) {
      auto some = co_await queue.take(values.size());
      taken += some.size();
      std::vector<std::string> const results(some.size(), values[0]);
      co_await queue.ack_all(std::move(some), results);
    }
    CHECK((co_await results_of(queue, values.size())).size() == values.size());
  });
}

TEST_CASE_ON_REAL_BACKENDS("redis: a queue that has ended leaves no descriptor behind") {
  if (!redis_server::is_there()) return;
  redis_server server;
  auto const before = support::open_descriptors();
  for (int round = 0; round < 3; ++round) {
    run_on<On>([](auto& at) -> weft::task<> {
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        redis_queue queue(tasks, at.socket(), "work");
        co_await queue.put(1);
        co_await queue.ack(co_await taken_from(queue));
        co_await results_of(queue, 1);
        CHECK_THROWS_AS(co_await weft::with_timeout(5ms, queue.take()), weft::timed_out);
      });
    }(server));
  }
  CHECK(support::descriptors_fall_to(before));
}

TEST_CASE_ON_REAL_BACKENDS("redis: without memory a server refuses tasks, and lets them end") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    redis_queue queue(tasks, server.socket(), "work", leases_of(1h));
    redis_client redis(tasks, server.socket());
    co_await queue.put_all(std::vector{1, 2});
    auto failing = co_await taken_from(queue);
    co_await redis.command("CONFIG", "SET", "maxmemory", 1);
    try {
      co_await queue.put(3);
      FAIL("put without memory");
    } catch (weft::net::redis_error const& error) {
      CHECK(error.code() == "OOM");
    }
    co_await queue.fail(std::move(failing), "not now");
    co_await queue.ack(co_await taken_from(queue));
    co_await queue.ack(co_await taken_from(queue));
    CHECK((co_await results_of(queue, 2)).size() == 2);
  });
}

TEST_CASE_ON_REAL_BACKENDS("redis: consumers that have nothing are forgotten, and come back") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    redis_queue queue(tasks, server.socket(), "work", leases_of(1h));
    redis_client redis(tasks, server.socket());
    weft::detail::redis_store store(tasks, server.socket(), "work", {});
    co_await queue.put_all(std::vector{1, 2});
    auto const consumers = [&]() -> weft::task<std::size_t> {
      co_return (co_await redis.command("XINFO", "CONSUMERS", "weft:{work}:tasks", "workers"))
          .items.size();
    };
    auto const forget = [&](std::string after) -> weft::task<> {
      co_await store.run(weft::detail::redis_scripts::all().forget_consumers, {std::move(after)});
    };
    auto held = co_await taken_from(queue);
    co_await weft::sleep_for(2ms);
    co_await forget("0");
    CHECK(co_await consumers() == 1);
    co_await queue.ack(std::move(held));
    co_await weft::sleep_for(2ms);
    co_await forget("3600000");
    CHECK(co_await consumers() == 1);
    co_await forget("0");
    CHECK(co_await consumers() == 0);
    co_await queue.ack(co_await taken_from(queue));
  });
}
