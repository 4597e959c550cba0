// blocking(fn): calls on the loop's own pool of threads, which the simulated backend does without.
#include "weft/blocking.hpp"

#include <doctest/doctest.h>
#include <filesystem>
#include <iterator>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>

#include "support/backends.hpp"
#include "weft/cancel.hpp"
#include "weft/result.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"

using namespace std::chrono_literals;
using support::run_on;
using support::simulated;

namespace {

constexpr int pool_threads = 8;  // as many as the pool ever has

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("a blocking call runs on another thread and yields its value here") {
  run_on<On>([]() -> weft::task<> {
    auto const here = std::this_thread::get_id();
    auto const there = co_await weft::blocking([] { return std::this_thread::get_id(); });
    CHECK(there != here);
    CHECK(std::this_thread::get_id() == here);
    auto const movable = co_await weft::blocking(
        [held = std::make_unique<int>(4)]() mutable { return std::move(held); });
    CHECK(*movable == 4);
    bool called = false;
    co_await weft::blocking([&] { called = true; });
    CHECK(called);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("what a blocking call throws is thrown here") {
  run_on<On>([]() -> weft::task<> {
    bool thrown = false;
    try {
      co_await weft::blocking([]() -> int { throw std::runtime_error("there"); });
    } catch (std::runtime_error const&) {
      thrown = true;
    }
    CHECK(thrown);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("many blocking calls at once all come back") {
  run_on<On>([]() -> weft::task<> {
    std::atomic<int> calls = 0;
    int sum = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 500; ++i)
        tasks.spawn([&, i]() -> weft::task<> {
          sum += co_await weft::blocking([&calls, i] {
            ++calls;
            return i;
          });
        });
      co_return;
    });
    CHECK(calls == 500);
    CHECK(sum == 499 * 500 / 2);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a call that is cancelled before it has begun never runs") {
  run_on<On>([]() -> weft::task<> {
    std::promise<void> release;
    auto const released = release.get_future().share();
    int held = 0;
    bool ran = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < pool_threads; ++i)
        tasks.spawn([&held, released]() -> weft::task<> {
          co_await weft::blocking([released] { released.wait(); });
          ++held;
        });
      auto const late =
          tasks.spawn([&]() -> weft::task<> { co_await weft::blocking([&] { ran = true; }); });
      co_await weft::yield();
      late.cancel();
      while (!late.ended()) co_await weft::yield();
      release.set_value();
    });
    CHECK(held == pool_threads);
    CHECK_FALSE(ran);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a call that has begun is awaited in spite of a cancellation") {
  run_on<On>([]() -> weft::task<> {
    std::promise<void> began;
    std::promise<void> release;
    int value = 0;
    bool went_on = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const child = tasks.spawn([&]() -> weft::task<> {
        value = co_await weft::blocking([&] {
          began.set_value();
          release.get_future().wait();
          return 5;
        });
        co_await weft::yield();
        went_on = true;
      });
      co_await weft::yield();
      began.get_future().wait();
      child.cancel();
      co_await weft::yield();
      CHECK_FALSE(child.ended());
      release.set_value();
    });
    CHECK(value == 5);
    CHECK_FALSE(went_on);
  }());
}

TEST_CASE("in a cancelled scope the call never runs") {
  run_on<simulated>([]() -> weft::task<> {
    bool ran = false;
    bool const ended = co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      scope.cancel();
      co_await weft::blocking([&] { ran = true; });
    });
    CHECK_FALSE(ended);
    CHECK_FALSE(ran);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("the loop goes on while a call blocks") {
  run_on<On>([]() -> weft::task<> {
    std::promise<void> release;
    auto const released = release.get_future().share();
    int const value = co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<int> {
      auto const child = tasks.spawn([released]() -> weft::task<int> {
        co_return co_await weft::blocking([released] {
          released.wait();
          return 3;
        });
      });
      for (int i = 0; i < 100; ++i) co_await weft::yield();
      release.set_value();
      co_return co_await child;
    });
    CHECK(value == 3);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("calls that come one at a time share one thread") {
  auto const threads = [] {
    namespace fs = std::filesystem;
    return std::distance(fs::directory_iterator("/proc/self/task"), fs::directory_iterator());
  };
  auto const before = threads();
  support::run_on<On>([&]() -> weft::task<> {
    for (int i = 0; i < 500; ++i) co_await weft::blocking([] {});
    CHECK(threads() - before == 1);
  }());
}
