// What every executor does: the same cases on each of them.
#include "weft/executor.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "weft/cancel.hpp"
#include "weft/inline_executor.hpp"
#include "weft/process_pool.hpp"
#include "weft/run.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/thread_pool.hpp"

namespace {

int doubled(int x) { return 2 * x; }

int refusing(int x) {
  if (x == 7) throw std::runtime_error("seven");
  return x;
}

std::string joined(std::string const& left, std::vector<std::string> const& right) {
  return std::accumulate(right.begin(), right.end(), left);
}

void nothing() {}

// Each executor with two workers, where it has workers.
struct on_the_loop {
  weft::inline_executor pool;
};
struct on_threads {
  weft::thread_pool pool{2};
};
struct in_processes {
  weft::process_pool pool{2};
};

template <class Pool, class Body>
void with(Body body) {
  Pool made;
  weft::run(body(made.pool));
}

template <class T>
weft::task<std::vector<T>> all_of(weft::generator<T> from) {
  std::vector<T> all;
  while (auto next = co_await from.next()) all.push_back(*next);
  co_return all;
}

}  // namespace

static_assert(weft::executor<weft::inline_executor>);
static_assert(weft::executor<weft::thread_pool>);
static_assert(weft::executor<weft::process_pool>);

#define TEST_CASE_ON_EVERY_EXECUTOR(sentence) \
  TEST_CASE_TEMPLATE(sentence, On, on_the_loop, on_threads, in_processes)

TEST_CASE_ON_EVERY_EXECUTOR("run yields what the function returns") {
  with<On>([](auto& pool) -> weft::task<> {
    CHECK(co_await pool.run(doubled, 21) == 42);
    std::vector<std::string> const more{"b", "c"};
    CHECK(co_await pool.run(joined, std::string("a"), more) == "abc");
    co_await pool.run(nothing);
    CHECK(pool.stats().done == 3);
  });
}

TEST_CASE_ON_EVERY_EXECUTOR("what a job throws is thrown here, and counted") {
  with<On>([](auto& pool) -> weft::task<> {
    std::string told;
    try {
      co_await pool.run(refusing, 7);
    } catch (std::exception const& error) {
      told = error.what();
    }
    CHECK(told.find("seven") != told.npos);
    CHECK(co_await pool.run(refusing, 1) == 1);  // the worker lives
    CHECK(pool.stats().failed == 1);
    CHECK(pool.stats().done == 1);
  });
}

TEST_CASE_ON_EVERY_EXECUTOR("map yields the results in the order of the items") {
  with<On>([](auto& pool) -> weft::task<> {
    std::vector<int> items(1001);
    std::iota(items.begin(), items.end(), 0);
    auto const results = co_await pool.map(items, doubled);
    REQUIRE(results.size() == items.size());
    for (int i = 0; i < 1001; ++i) CHECK(results[static_cast<std::size_t>(i)] == 2 * i);
    auto const of_none = co_await pool.map(std::vector<int>(), doubled);
    CHECK(of_none.empty());
    CHECK(pool.stats().done <= 4 * pool.size());  // several items in one job
  });
}

TEST_CASE_ON_EVERY_EXECUTOR("the first exception of map is thrown when all has ended") {
  with<On>([](auto& pool) -> weft::task<> {
    std::vector<int> items(100);
    std::iota(items.begin(), items.end(), 0);
    std::string told;
    try {
      co_await pool.map(items, refusing);
    } catch (std::exception const& error) {
      told = error.what();
    }
    CHECK(told.find("seven") != told.npos);
    CHECK(pool.stats().running == 0);
    CHECK(pool.stats().queued == 0);
  });
}

TEST_CASE_ON_EVERY_EXECUTOR("map_unordered yields each result once") {
  with<On>([](auto& pool) -> weft::task<> {
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      std::vector<int> items(100);
      std::iota(items.begin(), items.end(), 0);
      auto results = co_await all_of(pool.map_unordered(tasks, items, doubled));
      std::ranges::sort(results);
      REQUIRE(results.size() == 100);
      for (int i = 0; i < 100; ++i) CHECK(results[static_cast<std::size_t>(i)] == 2 * i);
    });
  });
}

TEST_CASE_ON_EVERY_EXECUTOR("map_unordered may be left before its end") {
  with<On>([](auto& pool) -> weft::task<> {
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto results = pool.map_unordered(tasks, std::vector<int>(100, 4), doubled);
      CHECK(*co_await results.next() == 8);
    });
    CHECK(pool.stats().running == 0);
    CHECK(pool.stats().queued == 0);
  });
}

TEST_CASE_ON_EVERY_EXECUTOR("a closed pool refuses jobs, and can be joined") {
  with<On>([](auto& pool) -> weft::task<> {
    bool early = false;
    try {
      co_await pool.join();
    } catch (std::logic_error const& error) {
      early = std::string(error.what()).find("joined before it was closed") != std::string::npos;
    }
    CHECK(early);
    CHECK(co_await pool.run(doubled, 1) == 2);
    pool.close();
    pool.close();
    bool refused = false;
    try {
      co_await pool.run(doubled, 1);
    } catch (weft::pool_closed const& error) {
      refused = std::string(error.what()).find("the pool is closed") != std::string::npos;
    }
    CHECK(refused);
    co_await pool.join();
    co_await pool.join();
  });
}

TEST_CASE_ON_EVERY_EXECUTOR("join waits for the jobs that were submitted before close") {
  with<On>([](auto& pool) -> weft::task<> {
    int sum = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 100; ++i)
        tasks.spawn([&]() -> weft::task<> { sum += co_await pool.run(doubled, 1); });
      co_await weft::yield();
      pool.close();
      co_await pool.join();
      CHECK(pool.stats().done == 100);
    });
    CHECK(sum == 200);
  });
}

TEST_CASE_ON_EVERY_EXECUTOR("after terminate nothing is left that waits") {
  with<On>([](auto& pool) -> weft::task<> {
    int done = 0;
    int terminated = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 1000; ++i)
        tasks.spawn([&]() -> weft::task<> {
          try {
            done += co_await pool.run(doubled, 1) / 2;
          } catch (weft::pool_terminated const&) {
            ++terminated;
          } catch (weft::pool_closed const&) {
            ++terminated;
          }
        });
      co_await weft::yield();
      pool.terminate();
      co_await pool.join();
    });
    CHECK(done + terminated == 1000);
  });
}

TEST_CASE_ON_EVERY_EXECUTOR("stats tell how long jobs waited and ran") {
  with<On>([](auto& pool) -> weft::task<> {
    for (int i = 0; i < 10; ++i) co_await pool.run(doubled, i);
    auto const stats = pool.stats();
    CHECK(stats.ran.count() == 10);
    CHECK(stats.waited.count() == 10);
    CHECK(stats.ran.percentile(50) <= stats.ran.max());
  });
}

TEST_CASE("at least one processor may be used") { CHECK(weft::usable_processors() >= 1); }
