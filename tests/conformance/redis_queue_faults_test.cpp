// The queue in Redis when things go wrong: workers are silent or gone, takers are cancelled,
// servers are killed. Where a test needs a worker that is silent, it is one that believes in long
// leases, beside others that believe in short ones.
#include "weft/net/queue/redis.hpp"

#include <cerrno>
#include <chrono>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "support/redis_queues.hpp"
#include "weft/net.hpp"

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

namespace {

// Waits until the first entry from `begin` on that is pending in the group has been kept up so many
// times: how long nobody has asked for it, which grows, has begun anew.
weft::task<> until_kept_up(redis_client& redis, std::string const& stream, std::string const& group,
                           std::string const& begin, int times) {
  for (std::int64_t idle = 0; times > 0;) {
    auto const pending = co_await redis.command("XPENDING", stream, group, begin, "+", 1);
    REQUIRE(pending.items.size() == 1);
    CHECK(pending.items[0].items[3].integer == 1);  // deliveries
    auto const now = pending.items[0].items[2].integer;
    if (now < idle) --times;
    idle = now;
    co_await weft::sleep_for(1ms);
  }
}

}  // namespace

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

    co_await silent.put(3);
    auto of_silent = co_await taken_from(silent);
    CHECK_THROWS_AS(co_await quick.ack(std::move(of_silent)), weft::net::lease_lost);
  });
}

TEST_CASE_ON_REAL_BACKENDS("redis: keeping up a lease that is lost does not take it back") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    redis_queue queue(tasks, server.socket(), "work", leases_of(60ms));
    redis_client redis(tasks, server.socket());
    std::string const stream = "weft:{work}:tasks";
    auto const ids = co_await queue.put_all(std::vector{1, 2});
    auto lost = co_await taken_from(queue);
    auto const kept = co_await taken_from(queue);
    co_await redis.command("XCLAIM", stream, "workers", "other", 0, lost.id());
    co_await until_kept_up(redis, stream, "workers", ids[1], 3);
    auto const pending = co_await redis.command("XPENDING", stream, "workers", ids[0], ids[0], 1);
    CHECK(pending.items[0].items[1].text == "other");
    CHECK_THROWS_AS(co_await queue.ack(std::move(lost)), weft::net::lease_lost);
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
    co_await until_kept_up(redis, "weft:{work}:tasks", "workers", "-", 6);
    co_await queue.ack(std::move(held));
    auto results = queue.results();
    CHECK((co_await results.next()).has_value());
    co_await until_kept_up(redis, "weft:{work}:results", "takers", "-", 6);
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
    // Longer than a lease: what is this taker's does not come to it again.
    CHECK_THROWS_AS(co_await weft::with_timeout(200ms, rest.next()), weft::timed_out);
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

TEST_CASE_ON_REAL_BACKENDS("redis: a server that is a replica for a while is tried again") {
  with_server([](redis_server& server, weft::task_scope& tasks) -> weft::task<> {
    auto options = leases_of(1h);
    options.reconnect = {.attempts = 1'000, .first_delay = 1ms, .longest_delay = 10ms};
    redis_queue queue(tasks, server.socket(), "work", options);
    redis_client redis(tasks, server.socket());
    co_await queue.depth();
    co_await weft::scope([&](weft::task_scope& waiting) -> weft::task<> {
      auto taking = waiting.spawn(queue.take());
      co_await weft::sleep_for(20ms);  // it waits in the server, or is about to
      co_await redis.command("REPLICAOF", "127.0.0.1", 1);
      auto putting = waiting.spawn(queue.put(1));
      co_await weft::sleep_for(20ms);
      CHECK_FALSE(putting.ended());
      co_await redis.command("REPLICAOF", "NO", "ONE");
      co_await putting;
      CHECK((co_await taking).value().value<int>() == 1);
    });
  });
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
