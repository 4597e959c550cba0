// Stopping: advice that bodies inside until_stop obey at once and others when they look.
#include <doctest/doctest.h>

#include <chrono>
#include <optional>

#include "support/backends.hpp"
#include "weft/cancel.hpp"
#include "weft/event.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"

using namespace std::chrono_literals;
using support::run_on;
using support::simulated;

TEST_CASE("until_stop yields the value of a body that ends before any stop") {
  run_on<simulated>([]() -> weft::task<> {
    auto const value = co_await weft::until_stop([]() -> weft::task<int> {
      co_await weft::sleep_for(1ms);
      co_return 3;
    });
    CHECK(value == 3);
    CHECK(co_await weft::until_stop(weft::sleep_for(1ms)));
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a stop ends the body of until_stop, and what follows still works") {
  run_on<On>([]() -> weft::task<> {
    int served = 0;
    bool ended_by_itself = true;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      weft::event waiting;
      tasks.spawn([&]() -> weft::task<> {
        ended_by_itself = co_await weft::until_stop([&]() -> weft::task<> {
          waiting.set();
          co_await weft::sleep_for(1h);
        });
        co_await weft::sleep_for(1us);  // no longer inside, so it is not cancelled
        ++served;
      });
      co_await waiting.wait();
      tasks.request_stop();
      tasks.request_stop();
    });
    CHECK_FALSE(ended_by_itself);
    CHECK(served == 1);
  }());
}

TEST_CASE("a body entered after the stop is cancelled at its first operation") {
  run_on<simulated>([]() -> weft::task<> {
    bool began = false;
    std::optional<int> value = 1;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.request_stop();
      value = co_await weft::until_stop([&]() -> weft::task<int> {
        began = true;
        co_await weft::yield();
        co_return 2;
      });
    });
    CHECK(began);
    CHECK_FALSE(value.has_value());
  }());
}

TEST_CASE("a stop reaches through a shield; a cancellation from outside passes until_stop") {
  run_on<simulated>([]() -> weft::task<> {
    bool stopped_inside = false;
    bool returned = false;
    bool const ended = co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      co_await weft::shield([&]() -> weft::task<> {
        scope.request_stop();
        stopped_inside = weft::stop_requested();
        co_return;
      });
      scope.cancel();
      co_await weft::until_stop(weft::sleep_for(1h));
      returned = true;
    });
    CHECK(stopped_inside);
    CHECK_FALSE(ended);
    CHECK_FALSE(returned);
  }());
}

TEST_CASE("children spawned after a stop see it") {
  run_on<simulated>([]() -> weft::task<> {
    bool seen = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.request_stop();
      tasks.spawn([&]() -> weft::task<> {
        seen = weft::stop_requested();
        co_return;
      });
      co_return;
    });
    CHECK(seen);
    CHECK_FALSE(weft::stop_requested());
  }());
}
