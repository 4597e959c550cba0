// A scope in which something fails: who is cancelled, what is thrown, what is kept.
#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>
#include <string>

#include "support/backends.hpp"
#include "weft/cancel.hpp"
#include "weft/error.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::round;
using support::run_on;
using support::simulated;

namespace {

weft::task<> fail_after(std::chrono::milliseconds delay, char const* message) {
  co_await weft::sleep_for(delay);
  throw std::runtime_error(message);
}

// Sets `was_cancelled` when cancelled, and ends `delay` later.
weft::task<> end_slowly(std::chrono::milliseconds delay, bool& was_cancelled) {
  try {
    co_await weft::sleep_for(1h);
  } catch (weft::cancelled const&) {
    was_cancelled = true;
  }
  co_await weft::shield(weft::sleep_for(delay));
  if (was_cancelled) throw weft::cancelled();
}

std::string message_of(std::exception_ptr const& error) {
  try {
    std::rethrow_exception(error);
  } catch (std::exception const& thrown) {
    return thrown.what();
  }
}

}  // namespace

TEST_CASE("the first failure cancels the siblings and is rethrown after they have ended") {
  run_on<simulated>([]() -> weft::task<> {
    bool sibling_cancelled = false;
    auto const begin = weft::now();
    try {
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        tasks.spawn(end_slowly(50ms, sibling_cancelled));
        tasks.spawn(fail_after(10ms, "the first"));
        co_await weft::sleep_for(1h);
      });
      FAIL("the scope must throw");
    } catch (std::runtime_error const& error) {
      CHECK(std::string(error.what()) == "the first");
    }
    CHECK(sibling_cancelled);
    CHECK(round<milliseconds>(weft::now() - begin) == 60ms);
    CHECK(weft::take_suppressed().empty());
  }());
}

TEST_CASE("a failing body cancels the children") {
  run_on<simulated>([]() -> weft::task<> {
    bool child_cancelled = false;
    try {
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        tasks.spawn(end_slowly(0ms, child_cancelled));
        co_await weft::yield();
        throw std::runtime_error("body");
      });
      FAIL("the scope must throw");
    } catch (std::runtime_error const&) {}
    CHECK(child_cancelled);
  }());
}

TEST_CASE("later failures are kept, in order, and can be taken once") {
  run_on<simulated>([]() -> weft::task<> {
    auto const fail_when_cancelled = [](char const* message) -> weft::task<> {
      try {
        co_await weft::sleep_for(1h);
      } catch (weft::cancelled const&) {}
      throw std::runtime_error(message);
    };
    try {
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        tasks.spawn(fail_when_cancelled("second"));
        tasks.spawn(fail_when_cancelled("third"));
        tasks.spawn(fail_after(1ms, "first"));
        co_return;
      });
      FAIL("the scope must throw");
    } catch (std::runtime_error const& error) {
      CHECK(std::string(error.what()) == "first");
      auto const suppressed = weft::take_suppressed();
      REQUIRE(suppressed.size() == 2);
      CHECK(message_of(suppressed[0]) == "second");
      CHECK(message_of(suppressed[1]) == "third");
    }
    CHECK(weft::take_suppressed().empty());
  }());
}

TEST_CASE("a failure in an inner scope fails the outer one and cancels its children") {
  run_on<simulated>([]() -> weft::task<> {
    bool outer_child_cancelled = false;
    bool inner_child_cancelled = false;
    std::string message;
    try {
      co_await weft::scope([&](weft::task_scope& outer) -> weft::task<> {
        outer.spawn(end_slowly(1ms, outer_child_cancelled));
        co_await weft::scope([&](weft::task_scope& inner) -> weft::task<> {
          inner.spawn(end_slowly(1ms, inner_child_cancelled));
          inner.spawn(fail_after(1ms, "inner"));
          co_return;
        });
      });
    } catch (std::runtime_error const& error) {
      message = error.what();
    }
    CHECK(message == "inner");
    CHECK(outer_child_cancelled);
    CHECK(inner_child_cancelled);
  }());
}

TEST_CASE("an inner scope can fail and be handled without touching the outer one's children") {
  run_on<simulated>([]() -> weft::task<> {
    bool finished = false;
    co_await weft::scope([&](weft::task_scope& outer) -> weft::task<> {
      outer.spawn([&]() -> weft::task<> {
        co_await weft::sleep_for(20ms);
        finished = true;
      });
      try {
        co_await weft::scope([&](weft::task_scope& inner) -> weft::task<> {
          inner.spawn(fail_after(1ms, "inner"));
          co_return;
        });
      } catch (std::runtime_error const&) {}
    });
    CHECK(finished);
  }());
}
