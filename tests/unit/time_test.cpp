// Sleeping: the order of deadlines, odd durations, cancellation.
#include "weft/time.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>
#include <vector>

#include "support/backends.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/timeout.hpp"

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::round;
using support::run_on;
using support::simulated;

namespace {

weft::task<> sleep_and_note(std::chrono::nanoseconds duration, std::vector<int>& into, int number) {
  co_await weft::sleep_for(duration);
  into.push_back(number);
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("sleeps end in the order of their deadlines") {
  std::vector<int> ended;
  run_on<On>([&]() -> weft::task<> {
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn(sleep_and_note(30ms, ended, 3));
      tasks.spawn(sleep_and_note(10ms, ended, 1));
      tasks.spawn(sleep_and_note(20ms, ended, 2));
      co_return;
    });
  }());
  CHECK(ended == std::vector<int>{1, 2, 3});
}

TEST_CASE_ON_EVERY_BACKEND("a sleep never ends early") {
  run_on<On>([]() -> weft::task<> {
    for (std::chrono::nanoseconds const duration : {1ns, 999ns, 1'000'001ns}) {
      auto const begin = weft::now();
      co_await weft::sleep_for(duration);
      CHECK(weft::now() - begin >= duration);
    }
    auto const deadline = weft::now() + 2ms;
    co_await weft::sleep_until(deadline);
    CHECK(weft::now() >= deadline);
  }());
}

TEST_CASE("equal deadlines end in the order of starting") {
  std::vector<int> ended;
  run_on<simulated>([&]() -> weft::task<> {
    auto const deadline = weft::now() + 1s;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 100; ++i)
        tasks.spawn([&ended, deadline, i]() -> weft::task<> {
          co_await weft::sleep_until(deadline);
          ended.push_back(i);
        });
      co_return;
    });
    CHECK(round<milliseconds>(weft::now() - deadline) == 0ms);
  }());
  REQUIRE(ended.size() == 100);
  for (int i = 0; i < 100; ++i) CHECK(ended[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("zero, negative and past times take no time but give way") {
  run_on<simulated>([]() -> weft::task<> {
    auto const begin = weft::now();
    std::vector<int> order;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        co_await weft::sleep_for(0s);
        order.push_back(2);
        co_await weft::sleep_for(-5s);
        co_await weft::sleep_for(std::chrono::hours::min());
        co_await weft::sleep_until(begin - 1h);
        co_await weft::sleep_until(weft::clock::time_point::min());
      });
      tasks.spawn(sleep_and_note(0ns, order, 3));
      tasks.spawn([&]() -> weft::task<> {
        order.push_back(1);
        co_return;
      });
      co_return;
    });
    CHECK(order == std::vector<int>{1, 2, 3});
    CHECK(round<milliseconds>(weft::now() - begin) == 0ms);
  }());
}

TEST_CASE("durations that overflow the clock never end") {
  run_on<simulated>([]() -> weft::task<> {
    using float_seconds = std::chrono::duration<double>;
    int ended = 0;
    auto const sleep = [&](auto duration) -> weft::task<> {
      co_await weft::sleep_for(duration);
      ++ended;
    };
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn(sleep(std::chrono::nanoseconds::max()));
      tasks.spawn(sleep(std::chrono::nanoseconds::max() - 1s));
      tasks.spawn(sleep(std::chrono::hours::max()));
      tasks.spawn(sleep(std::chrono::years(10'000'000)));
      tasks.spawn(sleep(float_seconds(std::numeric_limits<double>::infinity())));
      tasks.spawn(sleep(float_seconds(1e300)));
      co_await weft::sleep_for(24h * 365 * 100);
      CHECK(ended == 0);
      tasks.cancel();
    });
    CHECK(ended == 0);
  }());
}

TEST_CASE("durations with a period that is no decimal fraction do not overflow on their way") {
  using ticks = std::chrono::duration<std::int64_t, std::ratio<1, 90'000>>;
  CHECK(weft::detail::to_nanoseconds(ticks(1)) == 11'111);
  CHECK(weft::detail::to_nanoseconds(ticks(9'000'000'000'009)) == 100'000'000'000'100'000);
  CHECK(weft::detail::to_nanoseconds(ticks(95'000'000'000'000)) == 1'055'555'555'555'555'555);
  CHECK(weft::detail::to_nanoseconds(ticks::max()) == weft::detail::never);
}

TEST_CASE("durations of any kind are rounded to nanoseconds") {
  run_on<simulated>([]() -> weft::task<> {
    auto const begin = weft::now();
    co_await weft::sleep_for(std::chrono::duration<double>(0.25));
    CHECK(round<milliseconds>(weft::now() - begin) == 250ms);
    co_await weft::sleep_for(std::chrono::duration<float, std::milli>(500.0f));
    CHECK(round<milliseconds>(weft::now() - begin) == 750ms);
    co_await weft::sleep_for(
        std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN()));
    CHECK(round<milliseconds>(weft::now() - begin) == 750ms);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a cancelled sleep ends at once and leaves no timer behind") {
  run_on<On>([]() -> weft::task<> {
    bool cancelled = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const sleeper = tasks.spawn([&]() -> weft::task<> {
        try {
          co_await weft::sleep_for(10h);
        } catch (weft::cancelled const&) {
          cancelled = true;
          throw;
        }
      });
      co_await weft::yield();
      sleeper.cancel();
    });
    CHECK(cancelled);
    co_await weft::sleep_for(1us);
  }());
}

TEST_CASE("a sleep that was due before its cancellation counts as slept") {
  run_on<simulated>([]() -> weft::task<> {
    bool slept = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      weft::join_handle<void> sleeper;
      auto const deadline = weft::now() + 1ms;
      tasks.spawn([&]() -> weft::task<> {  // due first, so it runs first
        co_await weft::sleep_until(deadline);
        sleeper.cancel();
      });
      sleeper = tasks.spawn([&]() -> weft::task<> {
        co_await weft::sleep_until(deadline);
        slept = true;
      });
      co_await weft::sleep_for(1s);
    });
    CHECK(slept);
  }());
}
