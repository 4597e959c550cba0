// Events: waiting for a flag.
#include "weft/event.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <vector>

#include "support/backends.hpp"
#include "weft/cancel.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"

using namespace std::chrono_literals;
using support::run_on;
using support::simulated;

TEST_CASE_ON_EVERY_BACKEND("setting an event resumes all who wait, in the order they came") {
  run_on<On>([]() -> weft::task<> {
    weft::event ready;
    std::vector<int> resumed;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 4; ++i)
        tasks.spawn([&ready, &resumed, i]() -> weft::task<> {
          co_await ready.wait();
          resumed.push_back(i);
        });
      co_await weft::yield();
      ready.set();
      CHECK(resumed.empty());
    });
    CHECK(resumed == std::vector<int>{0, 1, 2, 3});
  }());
}

TEST_CASE("a set event stays set until reset") {
  run_on<simulated>([]() -> weft::task<> {
    weft::event flag;
    CHECK_FALSE(flag.is_set());
    flag.set();
    flag.set();
    CHECK(flag.is_set());
    co_await flag.wait();
    co_await flag.wait();
    flag.reset();
    CHECK_FALSE(flag.is_set());
    bool resumed = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        co_await flag.wait();
        resumed = true;
      });
      co_await weft::sleep_for(1ms);
      CHECK_FALSE(resumed);
      flag.set();
    });
    CHECK(resumed);
  }());
}

TEST_CASE("who was resumed by an event stays resumed when it is reset at once") {
  run_on<simulated>([]() -> weft::task<> {
    weft::event pulse;
    int resumed = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 3; ++i)
        tasks.spawn([&]() -> weft::task<> {
          co_await pulse.wait();
          ++resumed;
        });
      co_await weft::yield();
      pulse.set();
      pulse.reset();
    });
    CHECK(resumed == 3);
  }());
}

TEST_CASE("a cancelled waiter leaves the queue, the others stay") {
  run_on<simulated>([]() -> weft::task<> {
    weft::event ready;
    std::vector<int> resumed;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      std::vector<weft::join_handle<void>> waiters;
      for (int i = 0; i < 3; ++i)
        waiters.push_back(tasks.spawn([&ready, &resumed, i]() -> weft::task<> {
          co_await ready.wait();
          resumed.push_back(i);
        }));
      co_await weft::yield();
      waiters[1].cancel();
      ready.set();
    });
    CHECK(resumed == std::vector<int>{0, 2});
  }());
}

TEST_CASE("inline completions give way after a while, so nobody is starved") {
  run_on<simulated>([]() -> weft::task<> {
    weft::event set;
    set.set();
    bool other_ran = false;
    int rounds = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        while (!other_ran && rounds < 10'000) {
          co_await set.wait();
          ++rounds;
        }
      });
      tasks.spawn([&]() -> weft::task<> {
        other_ran = true;
        co_return;
      });
      co_return;
    });
    CHECK(other_ran);
    CHECK(rounds < 1'000);
  }());
}
