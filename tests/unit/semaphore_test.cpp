// Semaphores: permits, order, large requests, cancellation.
#include "weft/semaphore.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "support/backends.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"

using namespace std::chrono_literals;
using support::run_on;
using support::simulated;

namespace {

// Acquires, notes its number and releases when told.
weft::task<> acquire(weft::semaphore& from, std::size_t count, std::vector<int>& served,
                     int number) {
  auto const held = co_await from.acquire(count);
  served.push_back(number);
  co_await weft::sleep_for(1ms);
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("never more tasks than permits are inside") {
  run_on<On>([]() -> weft::task<> {
    weft::semaphore limited(3);
    int inside = 0;
    int most = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 20; ++i)
        tasks.spawn([&]() -> weft::task<> {
          auto const held = co_await limited.acquire();
          most = std::max(most, ++inside);
          co_await weft::sleep_for(1us);
          --inside;
        });
      co_return;
    });
    CHECK(most == 3);
    CHECK(limited.available() == 3);
  }());
}

TEST_CASE("a large request at the front is not overtaken by small ones") {
  run_on<simulated>([]() -> weft::task<> {
    weft::semaphore permits(2);
    std::vector<int> served;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto held = co_await permits.acquire();
      tasks.spawn(acquire(permits, 2, served, 0));
      tasks.spawn(acquire(permits, 1, served, 1));
      co_await weft::yield();
      co_await weft::yield();
      CHECK(permits.available() == 1);
      CHECK(served.empty());
      CHECK_FALSE(permits.try_acquire());  // it would overtake too
      held.release();
    });
    CHECK(served == std::vector<int>{0, 1});
  }());
}

TEST_CASE("cancelling the large request at the front lets those behind it through") {
  run_on<simulated>([]() -> weft::task<> {
    weft::semaphore permits(2);
    std::vector<int> served;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const held = co_await permits.acquire();
      auto const large = tasks.spawn(acquire(permits, 2, served, 0));
      tasks.spawn(acquire(permits, 1, served, 1));
      co_await weft::yield();
      large.cancel();
      co_await weft::sleep_for(1us);
      CHECK(served == std::vector<int>{1});
    });
    CHECK(permits.available() == 2);
  }());
}

TEST_CASE("a request whose permits were granted before its cancellation gives them back") {
  run_on<simulated>([]() -> weft::task<> {
    weft::semaphore permits(1);
    bool granted = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto held = co_await permits.acquire();
      auto const waiter = tasks.spawn([&]() -> weft::task<> {
        auto const own = co_await permits.acquire();
        granted = static_cast<bool>(own);
        co_await weft::yield();
      });
      co_await weft::yield();
      held.release();
      waiter.cancel();
    });
    CHECK(granted);
    CHECK(permits.available() == 1);
  }());
}

TEST_CASE("try_acquire takes what is there and never waits") {
  run_on<simulated>([]() -> weft::task<> {
    weft::semaphore permits(3);
    auto first = permits.try_acquire(2);
    CHECK(first);
    CHECK(permits.available() == 1);
    CHECK_FALSE(permits.try_acquire(2));
    {
      auto const second = permits.try_acquire();
      CHECK(second);
      CHECK(permits.available() == 0);
    }
    first.release();
    first.release();
    CHECK_FALSE(first);
    CHECK(permits.available() == 3);
    co_return;
  }());
}

TEST_CASE("a permit can be moved, and is given back once") {
  run_on<simulated>([]() -> weft::task<> {
    weft::semaphore permits(2);
    weft::permit kept;
    {
      auto held = co_await permits.acquire(2);
      kept = std::move(held);
    }
    CHECK(permits.available() == 0);
    kept = weft::permit();
    CHECK(permits.available() == 2);
  }());
}

TEST_CASE("release adds permits, which serve as many waiters as they suffice for") {
  run_on<simulated>([]() -> weft::task<> {
    weft::semaphore permits(0);
    std::vector<int> served;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 3; ++i) tasks.spawn(acquire(permits, 2, served, i));
      co_await weft::yield();
      permits.release(5);
      co_await weft::sleep_for(1us);
      CHECK(served == std::vector<int>{0, 1});
      CHECK(permits.available() == 1);
    });
    CHECK(served == std::vector<int>{0, 1, 2});
    CHECK(permits.available() == 5);
  }());
}
