// when_any: the first to end, and every other outcome too.
#include "weft/when_any.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "support/backends.hpp"
#include "weft/cancel.hpp"
#include "weft/event.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"
#include "weft/when_all.hpp"

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::round;
using support::run_on;
using support::simulated;

namespace {

template <class T>
weft::task<T> value_after(std::chrono::nanoseconds delay, T value) {
  co_await weft::sleep_for(delay);
  co_return value;
}

weft::task<int> fail_after(std::chrono::nanoseconds delay, char const* message) {
  co_await weft::sleep_for(delay);
  throw std::runtime_error(message);
}

// Keeps its value in spite of being cancelled.
weft::task<int> value_when_cancelled(int value) {
  try {
    co_await weft::sleep_for(1h);
  } catch (weft::cancelled const&) {}
  co_return value;
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("the first value wins, and the others are cancelled and awaited") {
  run_on<On>([]() -> weft::task<> {
    auto any = co_await weft::when_any(value_after(1h, 1), value_after(1us, std::string("quick")),
                                       []() -> weft::task<> { co_await weft::sleep_for(2h); }());
    CHECK(any.index == 1);
    CHECK(std::get<0>(any.outcomes).was_cancelled());
    CHECK(std::get<1>(any.outcomes).value() == "quick");
    CHECK(std::get<2>(any.outcomes).was_cancelled());
    CHECK_THROWS_AS(std::get<0>(any.outcomes).value(), weft::cancelled);
    co_await weft::yield();  // the caller is not cancelled
  }());
}

TEST_CASE("what a loser had won too is there") {
  run_on<simulated>([]() -> weft::task<> {
    auto any =
        co_await weft::when_any(value_when_cancelled(1), value_after(1ms, 2), value_after(1ms, 3));
    CHECK(any.index == 1);
    CHECK(std::get<0>(any.outcomes).value() == 1);
    CHECK(std::get<1>(any.outcomes).value() == 2);
    CHECK(std::get<2>(any.outcomes).value() == 3);  // due at the same instant
  }());
}

TEST_CASE("when_any waits for a loser's clean-up") {
  run_on<simulated>([]() -> weft::task<> {
    bool cleaned = false;
    auto const slow_to_end = [&]() -> weft::task<int> {
      try {
        co_await weft::sleep_for(1h);
      } catch (weft::cancelled const&) {}
      co_await weft::shield(weft::sleep_for(10ms));
      cleaned = true;
      co_return 1;
    };
    auto const begin = weft::now();
    auto const any = co_await weft::when_any(slow_to_end(), value_after(1ms, 2));
    CHECK(any.index == 1);
    CHECK(cleaned);
    CHECK(round<milliseconds>(weft::now() - begin) == 11ms);
  }());
}

TEST_CASE("an exception that comes first ends the others, and is an outcome") {
  run_on<simulated>([]() -> weft::task<> {
    auto any = co_await weft::when_any(value_after(2ms, 1), fail_after(1ms, "first"));
    CHECK(any.index == 1);
    CHECK(std::get<0>(any.outcomes).was_cancelled());
    CHECK(std::get<1>(any.outcomes).error());
    CHECK_FALSE(std::get<1>(any.outcomes).has_value());
    CHECK_THROWS_WITH_AS(std::get<1>(any.outcomes).value(), "first", std::runtime_error);
  }());
}

TEST_CASE("a loser's exception is an outcome too, and fails nobody") {
  run_on<simulated>([]() -> weft::task<> {
    auto const fail_when_cancelled = []() -> weft::task<int> {
      try {
        co_await weft::sleep_for(1h);
      } catch (weft::cancelled const&) {}
      throw std::runtime_error("late");
    };
    auto any = co_await weft::when_any(fail_when_cancelled(), value_after(1ms, 1));
    CHECK(any.index == 1);
    CHECK_THROWS_WITH_AS(std::get<0>(any.outcomes).value(), "late", std::runtime_error);
    CHECK(std::get<1>(any.outcomes).value() == 1);
    CHECK(weft::take_suppressed().empty());
  }());
}

TEST_CASE("among tasks that all end at once the first spawned wins") {
  run_on<simulated>([]() -> weft::task<> {
    auto const at_once = [](int value) -> weft::task<int> { co_return value; };
    auto any = co_await weft::when_any(at_once(1), at_once(2));
    CHECK(any.index == 0);
    CHECK(std::get<0>(any.outcomes).value() == 1);
    CHECK(std::get<1>(any.outcomes).value() == 2);
  }());
}

TEST_CASE("when_any of a vector yields a vector of outcomes") {
  run_on<simulated>([]() -> weft::task<> {
    std::vector<weft::task<std::unique_ptr<int>>> bodies;
    for (int i = 0; i < 3; ++i)
      bodies.push_back([](int number) -> weft::task<std::unique_ptr<int>> {
        co_await weft::sleep_for(std::chrono::milliseconds(number == 2 ? 1 : 100));
        co_return std::make_unique<int>(number);
      }(i));
    auto any = co_await weft::when_any(std::move(bodies));
    CHECK(any.index == 2);
    REQUIRE(any.outcomes.size() == 3);
    CHECK(any.outcomes[0].was_cancelled());
    auto const taken = std::move(any.outcomes[2]).value();
    CHECK(*taken == 2);
  }());
}

TEST_CASE("outcomes hold values of every kind, exceptions among them") {
  struct fixed {
    int const value;
  };
  run_on<simulated>([]() -> weft::task<> {
    auto const ended =
        co_await weft::when_any([]() -> weft::task<fixed> { co_return fixed{1}; },
                                []() -> weft::task<std::exception_ptr> {
                                  co_return std::make_exception_ptr(std::runtime_error("a value"));
                                });
    auto outcomes = ended.outcomes;
    CHECK(std::get<0>(outcomes).value().value == 1);
    CHECK(std::get<1>(outcomes).has_value());
    CHECK_FALSE(std::get<1>(outcomes).error());
    auto const all =
        co_await weft::when_all([]() -> weft::task<std::exception_ptr> { co_return nullptr; });
    CHECK_FALSE(std::get<0>(all));
  }());
}

TEST_CASE("when_any of no tasks throws, since it would never end") {
  run_on<simulated>([]() -> weft::task<> {
    bool thrown = false;
    try {
      co_await weft::when_any(std::vector<weft::task<int>>());
    } catch (std::invalid_argument const&) {
      thrown = true;
    }
    CHECK(thrown);
  }());
}

TEST_CASE("a cancellation from outside that leaves nobody with an outcome throws cancelled") {
  run_on<simulated>([]() -> weft::task<> {
    bool returned = false;
    bool const ended = co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      auto const cancel_and_wait = [](weft::cancel_scope& outer) -> weft::task<int> {
        outer.cancel();
        co_await weft::sleep_for(1h);
        co_return 1;
      };
      co_await weft::when_any(value_after(2h, 1), cancel_and_wait(scope));
      returned = true;
    });
    CHECK_FALSE(ended);
    CHECK_FALSE(returned);
  }());
}

TEST_CASE("a value that comes in spite of a cancellation from outside is yielded") {
  run_on<simulated>([]() -> weft::task<> {
    std::size_t index = 9;
    int value = 0;
    co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      auto const cancel_and_keep = [](weft::cancel_scope& outer) -> weft::task<int> {
        outer.cancel();
        co_return 4;
      };
      auto any = co_await weft::when_any(value_after(1h, 1), cancel_and_keep(scope));
      index = any.index;
      value = std::get<1>(any.outcomes).value();
    });
    CHECK(index == 1);
    CHECK(value == 4);
  }());
}
