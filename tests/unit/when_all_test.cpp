// when_all: all results, or the first failure.
#include "weft/when_all.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "support/backends.hpp"
#include "weft/cancel.hpp"
#include "weft/time.hpp"

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

weft::task<> nothing_after(std::chrono::nanoseconds delay) { co_await weft::sleep_for(delay); }

weft::task<> fail_after(std::chrono::nanoseconds delay, char const* message) {
  co_await weft::sleep_for(delay);
  throw std::runtime_error(message);
}

weft::task<int> note_cancellation(bool& was_cancelled) {
  try {
    co_await weft::sleep_for(1h);
  } catch (weft::cancelled const&) {
    was_cancelled = true;
    throw;
  }
  co_return 0;
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("when_all yields a tuple in the order of the arguments") {
  run_on<On>([]() -> weft::task<> {
    auto const all = co_await weft::when_all(
        value_after(3us, 1), value_after(1us, std::string("b")), nothing_after(2us));
    CHECK(std::get<0>(all) == 1);
    CHECK(std::get<1>(all) == "b");
    static_assert(std::is_same_v<std::tuple_element_t<2, std::remove_cvref_t<decltype(all)>>,
                                 std::monostate>);
  }());
}

TEST_CASE("the tasks run concurrently") {
  run_on<simulated>([]() -> weft::task<> {
    auto const begin = weft::now();
    co_await weft::when_all(nothing_after(10ms), nothing_after(30ms), nothing_after(20ms));
    CHECK(round<milliseconds>(weft::now() - begin) == 30ms);
  }());
}

TEST_CASE("when_all passes values on that can only be moved") {
  run_on<simulated>([]() -> weft::task<> {
    auto const make = [](int value) -> weft::task<std::unique_ptr<int>> {
      co_return std::make_unique<int>(value);
    };
    auto all = co_await weft::when_all(make(1), make(2));
    CHECK(*std::get<0>(all) + *std::get<1>(all) == 3);
  }());
}

TEST_CASE("when_all of a vector yields a vector, and nothing for tasks without a value") {
  run_on<simulated>([]() -> weft::task<> {
    std::vector<weft::task<int>> with_values;
    std::vector<weft::task<>> without;
    for (int i = 0; i < 4; ++i) {
      with_values.push_back(value_after(std::chrono::milliseconds(4 - i), i));
      without.push_back(nothing_after(1ms));
    }
    CHECK(co_await weft::when_all(std::move(with_values)) == std::vector<int>{0, 1, 2, 3});
    co_await weft::when_all(std::move(without));
  }());
}

TEST_CASE("when_all of nothing ends at once") {
  run_on<simulated>([]() -> weft::task<> {
    CHECK((co_await weft::when_all(std::vector<weft::task<int>>())).empty());
    co_await weft::when_all(std::vector<weft::task<>>());
    CHECK(co_await weft::when_all() == std::tuple<>());
  }());
}

TEST_CASE("the first failure cancels the rest and is rethrown") {
  run_on<simulated>([]() -> weft::task<> {
    bool cancelled = false;
    std::string message;
    auto const begin = weft::now();
    try {
      co_await weft::when_all(note_cancellation(cancelled), fail_after(2ms, "second"),
                              fail_after(1ms, "first"));
    } catch (std::runtime_error const& error) {
      message = error.what();
    }
    CHECK(message == "first");
    CHECK(cancelled);
    CHECK(round<milliseconds>(weft::now() - begin) == 1ms);
    CHECK(weft::take_suppressed().empty());
  }());
}

TEST_CASE("a failure among a vector's tasks is rethrown too") {
  run_on<simulated>([]() -> weft::task<> {
    bool cancelled = false;
    std::vector<weft::task<int>> bodies;
    bodies.push_back(note_cancellation(cancelled));
    bodies.push_back([]() -> weft::task<int> {
      throw std::runtime_error("at once");
      co_return 1;
    }());
    bool thrown = false;
    try {
      co_await weft::when_all(std::move(bodies));
    } catch (std::runtime_error const&) {
      thrown = true;
    }
    CHECK(thrown);
    CHECK(cancelled);
  }());
}

TEST_CASE("a cancellation from outside cancels all and throws cancelled") {
  run_on<simulated>([]() -> weft::task<> {
    bool first = false;
    bool second = false;
    bool const ended = co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      auto const cancel_later = [](weft::cancel_scope& outer) -> weft::task<> {
        co_await weft::sleep_for(1ms);
        outer.cancel();
      };
      co_await weft::when_all(note_cancellation(first), cancel_later(scope),
                              note_cancellation(second));
    });
    CHECK_FALSE(ended);
    CHECK(first);
    CHECK(second);
  }());
}
