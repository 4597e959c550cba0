// The queue in Redis, with a real server. Where a test needs a worker that is silent, it is one
// that believes in long leases, beside others that believe in short ones.
#include "weft/net/queue/redis.hpp"

#include <cerrno>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "queue/redis_store.hpp"
#include "support/backends.hpp"
#include "support/redis_server.hpp"
#include "weft/net.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::redis_server;
using support::run_on;
using weft::net::lease;
using weft::net::queue_depth;
using weft::net::redis_client;
using weft::net::redis_queue;
using weft::net::redis_queue_options;
using weft::net::when_full;
using weft::net::work_result;

namespace {

// Runs the body with a server of its own, where there is one, and a scope for what it makes.
void with_server(std::function<weft::task<>(redis_server&, weft::task_scope&)> const& body,
                 std::vector<std::string> settings = {}) {
  if (!redis_server::is_there()) return;
  redis_server server(std::move(settings));
  run_on<On>([](auto& at, auto const& with) -> weft::task<> {
    co_await weft::scope(
        [&](weft::task_scope& tasks) -> weft::task<> { co_await with(at, tasks); });
  }(server, body));
}

redis_queue_options leases_of(std::chrono::nanoseconds lease) {
  redis_queue_options options;
  options.policy.lease = lease;
  options.policy.retry = {.attempts = 5, .first_delay = 1ms, .factor = 1, .jitter = 0};
  return options;
}

weft::task<lease> taken_from(redis_queue& queue) {
  auto taken = co_await queue.take();
  REQUIRE(taken.has_value());
  co_return std::move(*taken);
}

// The next so many results.
weft::task<std::vector<work_result>> results_of(redis_queue& queue, std::size_t count) {
  std::vector<work_result> all;
  auto results = queue.results();
  while (all.size() < count) {
    auto next = co_await results.next();
    REQUIRE(next.has_value());
    all.push_back(std::move(*next));
  }
  co_return all;
}

// Waits until the only entry that is pending in the group has been kept up so many times: how long
// nobody has asked for it, which grows, has begun anew.
weft::task<> until_kept_up(redis_client& redis, std::string const& stream, std::string const& group,
                           int times) {
  for (std::int64_t idle = 0; times > 0;) {
    auto const pending = co_await redis.command("XPENDING", stream, group, "-", "+", 1);
    REQUIRE(pending.items.size() == 1);
    CHECK(pending.items[0].items[3].integer == 1);  // deliveries
    auto const now = pending.items[0].items[2].integer;
    if (now < idle) --times;
    idle = now;
    co_await weft::sleep_for(1ms);
  }
}

}  // namespace

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

TEST_CASE_ON_REAL_BACKENDS("redis: a task whose lease nobody keeps up is delivered again") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    redis_queue queue(tasks, server.socket(), "work", leases_of(300ms));
    auto const id = co_await queue.put(1);
    auto const begin = weft::now();
    co_await taken_from(queue);  // and dropped
    auto again = co_await taken_from(queue);
    CHECK(weft::now() - begin >= 290ms);  // the server counts whole milliseconds
    CHECK(again.id() == id);
    CHECK(again.delivery() == 2);
    co_await queue.ack(std::move(again));
  });
}

TEST_CASE_ON_REAL_BACKENDS(
    "redis: a task that its workers always drop dies, with their last words") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    auto options = leases_of(20ms);
    options.policy.retry.attempts = 3;
    redis_queue queue(tasks, server.socket(), "work", options);
    co_await queue.put(std::string("silent"));
    for (unsigned delivery = 1; delivery <= 3; ++delivery)
      CHECK((co_await taken_from(queue)).delivery() == delivery);
    co_await queue.put(std::string("speaking"));
    auto spoke = co_await taken_from(queue);
    while (spoke.value<std::string>() != "speaking") spoke = co_await taken_from(queue);
    co_await queue.fail(std::move(spoke), "last words");
    CHECK((co_await taken_from(queue)).delivery() == 2);
    CHECK((co_await taken_from(queue)).delivery() == 3);
    co_await queue.close();
    CHECK_FALSE((co_await queue.take()).has_value());
    auto const results = co_await results_of(queue, 2);
    CHECK(results[0].error() == "its workers have gone");
    CHECK(results[0].dead_task<std::string>() == "silent");
    CHECK(results[1].error() == "last words");
    CHECK((co_await queue.depth()).dead == 2);
  });
}

TEST_CASE_ON_REAL_BACKENDS("redis: who has lost a lease can neither end the task nor keep it") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    redis_queue silent(tasks, server.socket(), "work", leases_of(1h));
    redis_queue quick(tasks, server.socket(), "work", leases_of(20ms));
    auto const id = co_await silent.put(1);
    auto acked = co_await taken_from(silent);
    auto held = co_await taken_from(quick);
    CHECK(held.id() == id);
    CHECK(held.delivery() == 2);
    try {
      co_await silent.ack(std::move(acked), std::string("stale"));
      FAIL("acknowledged what another has");
    } catch (weft::net::lease_lost const& lost) {
      CHECK(lost.ids() == std::vector{id});
    }
    co_await quick.ack(std::move(held), std::string("good"));
    CHECK((co_await results_of(quick, 1))[0].value<std::string>() == "good");

    co_await silent.put(2);
    auto failed = co_await taken_from(silent);
    held = co_await taken_from(quick);
    CHECK_THROWS_AS(co_await silent.fail(std::move(failed), "stale"), weft::net::lease_lost);
    co_await quick.ack(std::move(held));
    CHECK((co_await silent.depth()).delayed == 0);
    CHECK_FALSE((co_await results_of(quick, 1))[0].is_failure());
  });
}

TEST_CASE_ON_REAL_BACKENDS("redis: keeping up a lease that is lost does not take it back") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    redis_queue loud(tasks, server.socket(), "work", leases_of(90ms));
    redis_queue quick(tasks, server.socket(), "work", leases_of(5ms));
    co_await loud.put(1);
    auto lost = co_await taken_from(loud);
    auto held = co_await taken_from(quick);  // between two of its heartbeats
    co_await weft::sleep_for(200ms);         // and now there are more of them
    co_await quick.ack(std::move(held));
    CHECK_THROWS_AS(co_await loud.ack(std::move(lost)), weft::net::lease_lost);
  });
}

TEST_CASE_ON_REAL_BACKENDS("redis: a lease of one's own that was delivered again is lost, too") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    redis_queue queue(tasks, server.socket(), "work", leases_of(1h));
    redis_client redis(tasks, server.socket());
    auto const id = co_await queue.put(1);
    auto first = co_await taken_from(queue);
    co_await redis.command("XCLAIM", "weft:{work}:tasks", "workers", "nobody", 0, id, "IDLE",
                           std::string("7200000"), "JUSTID");
    auto second = co_await taken_from(queue);
    CHECK(second.delivery() == 2);
    CHECK_THROWS_AS(co_await queue.ack(std::move(first)), weft::net::lease_lost);
    co_await queue.ack(std::move(second));
  });
}

TEST_CASE_ON_REAL_BACKENDS("redis: a lease is kept up for as long as it lives") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    redis_queue queue(tasks, server.socket(), "work", leases_of(60ms));
    redis_client redis(tasks, server.socket());
    co_await queue.put(1);
    auto held = co_await taken_from(queue);
    co_await until_kept_up(redis, "weft:{work}:tasks", "workers", 6);
    co_await queue.ack(std::move(held));
    auto results = queue.results();
    CHECK((co_await results.next()).has_value());
    co_await until_kept_up(redis, "weft:{work}:results", "takers", 6);
  });
}

TEST_CASE_ON_REAL_BACKENDS("redis: a taker that is cancelled loses no task") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    redis_queue fickle(tasks, server.socket(), "work", leases_of(1h));
    redis_queue other(tasks, server.socket(), "work", leases_of(1h));
    CHECK_THROWS_AS(co_await weft::with_timeout(10ms, fickle.take()), weft::timed_out);
    co_await fickle.put(0);  // for the read that is under way still
    auto taken = co_await taken_from(other);
    CHECK(taken.delivery() == 1);
    co_await other.ack(std::move(taken));

    constexpr int count = 200;
    std::set<int> seen;
    co_await weft::scope([&](weft::task_scope& putting) -> weft::task<> {
      putting.spawn([&]() -> weft::task<> {
        for (int i = 0; i < count; ++i) co_await fickle.put(i);
      });
      for (int round = 0; seen.size() < count; ++round) {
        try {
          auto got = co_await weft::with_timeout(std::chrono::microseconds(round % 9 * 100),
                                                 fickle.take(2));
          for (auto& each : got) {
            CHECK(each.delivery() == 1);
            CHECK(seen.insert(each.value<int>()).second);
            co_await fickle.ack(std::move(each));
          }
        } catch (weft::timed_out const&) {}
      }
    });
    CHECK((co_await fickle.depth()).results == count + 1);
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

TEST_CASE_ON_REAL_BACKENDS("redis: a server that forgets scripts, or everything, goes on") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    redis_queue queue(tasks, server.socket(), "work");
    redis_client redis(tasks, server.socket());
    co_await queue.put(1);
    co_await redis.command("SCRIPT", "FLUSH");
    co_await queue.put(2);
    auto first = co_await taken_from(queue);
    auto second = co_await taken_from(queue);
    co_await redis.command("SCRIPT", "FLUSH");
    co_await queue.ack(std::move(first));
    co_await weft::scope([&](weft::task_scope& waiting) -> weft::task<> {
      auto taking = waiting.spawn(queue.take());
      co_await weft::sleep_for(20ms);  // it waits in the server, or is about to
      co_await redis.command("FLUSHALL");
      CHECK_THROWS_AS(co_await queue.ack(std::move(second)), weft::net::lease_lost);
      co_await queue.put(3);
      CHECK((co_await taking).value().value<int>() == 3);
    });
    co_await redis.command("FLUSHALL");
    CHECK(co_await queue.depth() == queue_depth{});
  });
}

TEST_CASE_ON_REAL_BACKENDS("redis: a server that is killed and started again loses nothing") {
  auto const body = [](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    constexpr int count = 600;
    auto options = leases_of(1s);
    options.reconnect.attempts = 1'000;
    redis_queue queue(tasks, server.socket(), "work", options);
    std::set<int> results;
    co_await weft::scope([&](weft::task_scope& working) -> weft::task<> {
      working.spawn([&]() -> weft::task<> {
        for (int i = 0; i < count; ++i) co_await queue.put(i, {.key = "task" + std::to_string(i)});
      });
      auto worker = working.spawn([&]() -> weft::task<> {
        for (;;) {
          for (auto& each : co_await queue.take(8)) try {
              auto const value = each.value<int>();
              co_await queue.ack(std::move(each), value);
            } catch (weft::net::lease_lost const&) {}  // it was done, or will be
        }
      });
      int kills = 0;
      auto all = queue.results();
      while (results.size() < count) {
        auto const next = co_await all.next();
        results.insert(next.value().value<int>());
        if (results.size() < static_cast<std::size_t>(kills + 1) * count / 5) continue;
        server.kill();
        server.start();
        ++kills;
      }
      worker.cancel();
      CHECK(kills >= 4);
    });
    CHECK(results.size() == count);
  };
  with_server(body, {"--appendonly", "yes", "--appendfsync", "always"});
}

TEST_CASE_ON_REAL_BACKENDS("redis: what a worker had that has gone, another gets") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    std::optional<redis_queue> first(std::in_place, tasks, server.socket(), "work",
                                     leases_of(50ms));
    redis_queue second(tasks, server.socket(), "work", leases_of(50ms));
    co_await first->put_all(std::vector{1, 2, 3});
    auto const held = co_await first->take(3);
    CHECK(held.size() == 3);
    first.reset();
    for (int i = 1; i <= 3; ++i) {
      auto taken = co_await taken_from(second);
      CHECK(taken.value<int>() == i);
      CHECK(taken.delivery() == 2);
      co_await second.ack(std::move(taken));
    }
  });
}

TEST_CASE_ON_REAL_BACKENDS("redis: results that are not confirmed come again, to another") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    redis_queue first(tasks, server.socket(), "work", leases_of(1h));
    redis_queue second(tasks, server.socket(), "work", leases_of(50ms));
    co_await first.put_all(std::vector{1, 2, 3});
    auto const take_one = [&]() -> weft::task<> {
      auto taken = co_await taken_from(first);
      auto const value = taken.value<int>();
      co_await first.ack(std::move(taken), value);
    };
    co_await take_one();
    auto results = first.results();
    CHECK((co_await results.next()).value().value<int>() == 1);
    co_await take_one();
    CHECK((co_await results.next()).value().value<int>() == 2);  // which confirms the first
    co_await take_one();
    CHECK((co_await first.depth()).results == 1);
    std::set<int> others;
    for (auto const& each : co_await results_of(second, 2)) others.insert(each.value<int>());
    CHECK(others == std::set{2, 3});
    auto rest = second.results();
    CHECK_THROWS_AS(co_await weft::with_timeout(10ms, rest.next()), weft::timed_out);
  });
}

TEST_CASE_ON_REAL_BACKENDS("redis: a taker of results that is cancelled loses none") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    redis_queue queue(tasks, server.socket(), "work", leases_of(1h));
    constexpr int count = 100;
    std::set<int> seen;
    co_await weft::scope([&](weft::task_scope& working) -> weft::task<> {
      working.spawn([&]() -> weft::task<> {
        for (int i = 0; i < count; ++i) {
          co_await queue.put(i);
          auto taken = co_await taken_from(queue);
          co_await queue.ack(std::move(taken), i);
        }
      });
      for (int round = 0; seen.size() < count; ++round) {
        auto results = queue.results();
        try {
          auto next = co_await weft::with_timeout(std::chrono::microseconds(round % 9 * 100),
                                                  results.next());
          CHECK(seen.insert(next.value().value<int>()).second);
        } catch (weft::timed_out const&) {}
      }
    });
    CHECK(seen.size() == count);
  });
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

TEST_CASE_ON_REAL_BACKENDS("redis: a server that is not ready is tried again") {
  run_on<On>([]() -> weft::task<> {
    auto listener = weft::net::tcp_listener::bind("127.0.0.1:0");
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      int asked = 0;
      auto serving = tasks.spawn([&]() -> weft::task<> {
        auto peer = co_await listener.accept();
        while (co_await peer.read()) {
          ++asked;
          co_await peer.write_all(std::as_bytes(std::span(std::string_view("-LOADING data\r\n"))));
        }
      });
      redis_queue_options options;
      options.reconnect = {.attempts = 3, .first_delay = 1ms};
      redis_queue queue(tasks, listener.local().to_string(), "work", options);
      try {
        co_await queue.put(1);
        FAIL("there is no server");
      } catch (std::system_error const& error) {
        CHECK(error.code().value() == EAGAIN);
        CHECK(std::string(error.what()).find("LOADING data") != std::string::npos);
      }
      CHECK(asked == 3);
      serving.cancel();
    });
  }());
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

TEST_CASE_ON_REAL_BACKENDS(
    "redis: a queue whose scope has ended fails who takes, and hangs nobody") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    std::optional<redis_queue> queue;
    weft::event made;
    auto owner = tasks.spawn([&]() -> weft::task<> {
      co_await weft::scope([&](weft::task_scope& its) -> weft::task<> {
        queue.emplace(its, server.socket(), "work");
        made.set();
        co_await weft::sleep_for(1h);
      });
    });
    co_await made.wait();
    co_await weft::scope([&](weft::task_scope& takers) -> weft::task<> {
      takers.spawn(
          [&]() -> weft::task<> { CHECK_THROWS_AS(co_await queue->take(), std::system_error); });
      co_await weft::sleep_for(5ms);
      owner.cancel();
    });
    queue.reset();
  });
}
