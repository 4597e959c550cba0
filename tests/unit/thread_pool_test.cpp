// thread_pool: what it does beyond what every executor does (executor_test.cpp).
#include "weft/thread_pool.hpp"

#include <doctest/doctest.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <semaphore>
#include <stop_token>
#include <string>
#include <thread>

#include "support/allocations.hpp"
#include "support/backends.hpp"
#include "weft/cancel.hpp"
#include "weft/run.hpp"
#include "weft/scope.hpp"
#include "weft/task_local.hpp"
#include "weft/this_task.hpp"

using namespace std::chrono_literals;
using support::run_on;

namespace {

std::string name_of_this_thread() {
  std::array<char, 16> name{};
  ::pthread_getname_np(::pthread_self(), name.data(), name.size());
  return name.data();
}

weft::task_local<int> number{1};

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("a job runs on a named thread of the pool and yields its value here") {
  run_on<On>([]() -> weft::task<> {
    weft::thread_pool pool({.size = 1, .name = "worker"});
    CHECK(co_await pool.run(name_of_this_thread) == "worker-0");
    auto const here = std::this_thread::get_id();
    CHECK(co_await pool.run([] { return std::this_thread::get_id(); }) != here);
    CHECK(std::this_thread::get_id() == here);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("jobs see the task-locals of the task that awaits them") {
  run_on<On>([]() -> weft::task<> {
    weft::thread_pool pool(1);
    auto const read = [] { return number.get(); };
    CHECK(co_await pool.run(read) == 1);
    co_await number.with(2, [&]() -> weft::task<> { CHECK(co_await pool.run(read) == 2); });
    CHECK(co_await pool.run(read) == 1);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a job that runs is told to stop, awaited, and its value delivered") {
  run_on<On>([]() -> weft::task<> {
    weft::thread_pool pool(1);
    std::binary_semaphore begun(0);
    int value = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const waiting = tasks.spawn([&]() -> weft::task<> {
        value = co_await pool.run(
            [&](std::stop_token stop, int yielded) {
              begun.release();
              while (!stop.stop_requested()) std::this_thread::yield();
              return yielded;
            },
            3);
      });
      co_await weft::yield();
      begun.acquire();
      waiting.cancel();
    });
    CHECK(value == 3);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a job that is cancelled before it has begun never runs") {
  run_on<On>([]() -> weft::task<> {
    weft::thread_pool pool(1);
    std::binary_semaphore begun(0);
    std::binary_semaphore go(0);
    std::atomic<int> runs = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        co_await pool.run([&] {
          begun.release();
          go.acquire();
        });
      });
      co_await weft::yield();
      begun.acquire();
      co_await weft::scope([&](weft::task_scope& cancelled) -> weft::task<> {
        // Some will be with the loop still, some with the pool.
        for (int i = 0; i < 100; ++i)
          cancelled.spawn([&]() -> weft::task<> { co_await pool.run([&] { ++runs; }); });
        co_await weft::yield();
        cancelled.cancel();
      });
      CHECK(pool.stats().queued == 0);
      go.release();
    });
    CHECK(runs == 0);
    CHECK(pool.stats().done == 1);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("an idle thread takes what a busy one has in its hand") {
  run_on<On>([]() -> weft::task<> {
    weft::thread_pool pool(2);
    std::latch all(2);  // met only by two jobs that run at the same time
    std::atomic<int> met = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int round = 0; round < 16; ++round)
        tasks.spawn([&]() -> weft::task<> { co_await pool.run([] {}); });
      for (int i = 0; i < 2; ++i)
        tasks.spawn([&]() -> weft::task<> {
          co_await pool.run([&] {
            all.arrive_and_wait();
            ++met;
          });
        });
      co_return;
    });
    CHECK(met == 2);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("jobs beyond the limit of the queue are refused") {
  run_on<On>([]() -> weft::task<> {
    weft::thread_pool pool({.size = 1, .queue_limit = 2});
    std::binary_semaphore begun(0);
    std::binary_semaphore go(0);
    int done = 0;
    int refused = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        co_await pool.run([&] {
          begun.release();
          go.acquire();
        });
      });
      co_await weft::yield();
      co_await weft::yield();
      begun.acquire();
      for (int i = 0; i < 5; ++i)
        tasks.spawn([&]() -> weft::task<> {
          try {
            co_await pool.run([] {});
            ++done;
          } catch (weft::queue_full const& error) {
            CHECK(std::string(error.what()) == "weft::thread_pool: the queue is full");
            ++refused;
          }
        });
      co_await weft::yield();
      co_await weft::yield();
      CHECK(refused == 3);
      go.release();
    });
    CHECK(done == 2);
    co_await pool.run([] {});  // there is room again
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a pool that is destroyed fails what has not begun, awaiting the rest") {
  run_on<On>([]() -> weft::task<> {
    auto pool = std::make_unique<weft::thread_pool>(1);
    std::binary_semaphore begun(0);
    std::string told;
    bool ran = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        ran = co_await pool->run([&](std::stop_token stop) {
          begun.release();
          while (!stop.stop_requested()) std::this_thread::yield();
          return true;
        });
      });
      tasks.spawn([&]() -> weft::task<> {
        try {
          co_await pool->run([] {});
        } catch (weft::pool_terminated const& error) {
          told = error.what();
        }
      });
      co_await weft::yield();
      co_await weft::yield();
      begun.acquire();
      pool = nullptr;
      tasks.cancel();  // what is on its way back is not asked of the pool any more
    });
    CHECK(ran);
    CHECK(told == "weft::thread_pool: the pool was terminated");
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a job allocates nothing") {
  run_on<On>([]() -> weft::task<> {
    weft::thread_pool pool(1);
    int sum = co_await pool.run([](int x) { return x; }, 1);
    support::fail_allocation(1);
    sum += co_await pool.run([](int x) { return x; }, 1);
    CHECK_FALSE(support::allocation_has_failed());
    support::stop_failing_allocations();
    CHECK(sum == 2);
  }());
}

TEST_CASE("several loops share a pool") {
  weft::thread_pool pool(2);
  std::atomic<int> sum = 0;
  auto const use = [&]() -> weft::task<> {
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 100; ++i)
        tasks.spawn([&]() -> weft::task<> {
          auto const here = std::this_thread::get_id();
          sum += co_await pool.run([](int x) { return x; }, 1);
          CHECK(std::this_thread::get_id() == here);
        });
      co_return;
    });
  };
  {
    std::jthread const other([&] { weft::run(use()); });
    weft::run(use());
  }
  CHECK(sum == 200);
}
