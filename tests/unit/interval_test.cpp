// Intervals: the grid of ticks, and the two ways to deal with those that were missed.
#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>

#include "support/backends.hpp"
#include "weft/time.hpp"
#include "weft/timeout.hpp"

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::round;
using support::run_on;
using support::simulated;

TEST_CASE("an interval ticks at every multiple of its period since the first wait") {
  run_on<simulated>([]() -> weft::task<> {
    weft::interval ticks(10ms);
    co_await weft::sleep_for(3ms);
    auto const begin = weft::now();
    for (int i = 1; i <= 3; ++i) {
      auto const due = co_await ticks.next();
      CHECK(due == begin + i * 10ms);
      CHECK(round<milliseconds>(weft::now() - due) == 0ms);
      co_await weft::sleep_for(7ms);  // work that ends in time moves nothing
    }
  }());
}

TEST_CASE("with skip, missed ticks are dropped and the grid is kept") {
  run_on<simulated>([]() -> weft::task<> {
    weft::interval ticks(10ms, weft::missed_ticks::skip);
    auto const begin = weft::now();
    CHECK(co_await ticks.next() == begin + 10ms);
    co_await weft::sleep_for(35ms);  // until 45 ms: the ticks at 20, 30 and 40 are due
    CHECK(co_await ticks.next() == begin + 40ms);
    CHECK(round<milliseconds>(weft::now() - (begin + 45ms)) == 0ms);
    CHECK(co_await ticks.next() == begin + 50ms);
    CHECK(round<milliseconds>(weft::now() - (begin + 50ms)) == 0ms);
  }());
}

TEST_CASE("with burst, missed ticks are delivered one after another, at once") {
  run_on<simulated>([]() -> weft::task<> {
    weft::interval ticks(10ms, weft::missed_ticks::burst);
    auto const begin = weft::now();
    CHECK(co_await ticks.next() == begin + 10ms);
    co_await weft::sleep_for(35ms);
    for (int i = 2; i <= 4; ++i) CHECK(co_await ticks.next() == begin + i * 10ms);
    CHECK(round<milliseconds>(weft::now() - (begin + 45ms)) == 0ms);
    CHECK(co_await ticks.next() == begin + 50ms);
    CHECK(round<milliseconds>(weft::now() - (begin + 50ms)) == 0ms);
  }());
}

TEST_CASE("a cancelled wait costs no tick") {
  run_on<simulated>([]() -> weft::task<> {
    weft::interval ticks(10ms);
    auto const begin = weft::now();
    bool timed_out = false;
    try {
      co_await weft::with_timeout(4ms, ticks.next());
    } catch (weft::timed_out const&) {
      timed_out = true;
    }
    CHECK(timed_out);
    CHECK(co_await ticks.next() == begin + 10ms);
  }());
}

TEST_CASE("a period that overflows the clock never ends") {
  run_on<simulated>([]() -> weft::task<> {
    co_await weft::sleep_for(24h * 365 * 2);
    weft::interval ticks(2'555'000h);
    bool timed_out = false;
    try {
      co_await weft::with_timeout(24h, ticks.next());
    } catch (weft::timed_out const&) {
      timed_out = true;
    }
    CHECK(timed_out);
  }());
}

TEST_CASE("a period must be positive and finite") {
  CHECK_THROWS_AS(weft::interval{0s}, std::invalid_argument);
  CHECK_THROWS_AS(weft::interval{-1s}, std::invalid_argument);
  CHECK_THROWS_AS(weft::interval{std::chrono::hours::max()}, std::invalid_argument);
}
