// finally: clean-up that awaits, after a value, an exception or a cancellation.
#include "weft/finally.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include "support/backends.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::round;
using support::run_on;
using support::simulated;

namespace {

weft::task<> clean(bool& cleaned) {
  CHECK_FALSE(weft::cancel_requested());
  co_await weft::sleep_for(1ms);
  cleaned = true;
}

weft::task<> fail(char const* message) {
  throw std::runtime_error(message);
  co_return;
}

}  // namespace

TEST_CASE("the clean-up runs after a value, which is then yielded") {
  run_on<simulated>([]() -> weft::task<> {
    bool cleaned = false;
    auto const value = co_await weft::finally(
        []() -> weft::task<std::unique_ptr<int>> { co_return std::make_unique<int>(1); },
        [&] { return clean(cleaned); });
    CHECK(*value == 1);
    CHECK(cleaned);
    cleaned = false;
    co_await weft::finally(weft::sleep_for(1ms), [&] { return clean(cleaned); });
    CHECK(cleaned);
  }());
}

TEST_CASE("the clean-up runs after an exception, which is then rethrown") {
  run_on<simulated>([]() -> weft::task<> {
    bool cleaned = false;
    std::string message;
    try {
      co_await weft::finally(fail("body"), [&] { return clean(cleaned); });
    } catch (std::runtime_error const& error) {
      message = error.what();
    }
    CHECK(message == "body");
    CHECK(cleaned);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("the clean-up runs to its end after a cancellation, which goes on") {
  run_on<On>([]() -> weft::task<> {
    bool cleaned = false;
    bool went_on = false;
    bool const ended = co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      co_await weft::finally(
          [&]() -> weft::task<> {
            scope.cancel();
            co_await weft::sleep_for(1h);
          },
          [&] { return clean(cleaned); });
      went_on = true;
    });
    CHECK_FALSE(ended);
    CHECK(cleaned);
    CHECK_FALSE(went_on);
  }());
}

TEST_CASE("a cancellation that comes during the clean-up takes effect after it") {
  run_on<simulated>([]() -> weft::task<> {
    bool cleaned = false;
    bool returned = false;
    bool const ended = co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      co_await weft::finally([]() -> weft::task<> { co_return; },
                             [&]() -> weft::task<> {
                               scope.cancel();
                               co_await clean(cleaned);
                             });
      returned = true;  // awaiting a task is no checkpoint
      co_await weft::yield();
    });
    CHECK_FALSE(ended);
    CHECK(cleaned);
    CHECK(returned);
  }());
}

TEST_CASE("a clean-up that runs into its limit is cancelled and fails with timed_out") {
  run_on<simulated>([]() -> weft::task<> {
    auto const begin = weft::now();
    bool timed_out = false;
    try {
      co_await weft::finally([]() -> weft::task<> { co_return; },
                             []() -> weft::task<> { co_await weft::sleep_for(1h); }, 3s);
    } catch (weft::timed_out const&) {
      timed_out = true;
    }
    CHECK(timed_out);
    CHECK(round<milliseconds>(weft::now() - begin) == 3s);
  }());
}

TEST_CASE("the limit is five seconds if nothing else is said") {
  run_on<simulated>([]() -> weft::task<> {
    auto const begin = weft::now();
    try {
      co_await weft::finally([]() -> weft::task<> { co_return; },
                             []() -> weft::task<> { co_await weft::sleep_for(1h); });
    } catch (weft::timed_out const&) {}
    CHECK(round<milliseconds>(weft::now() - begin) == 5s);
  }());
}

TEST_CASE("when the clean-up fails too, the body's exception wins and the other is kept") {
  run_on<simulated>([]() -> weft::task<> {
    std::string message;
    try {
      co_await weft::finally(fail("body"), [] { return fail("clean-up"); });
    } catch (std::runtime_error const& error) {
      message = error.what();
    }
    CHECK(message == "body");
    auto const suppressed = weft::take_suppressed();
    REQUIRE(suppressed.size() == 1);
    CHECK_THROWS_WITH_AS(std::rethrow_exception(suppressed[0]), "clean-up", std::runtime_error);
  }());
}

TEST_CASE("a clean-up that fails after a value fails the whole") {
  run_on<simulated>([]() -> weft::task<> {
    std::string message;
    try {
      co_await weft::finally([]() -> weft::task<int> { co_return 1; },
                             [] { return fail("clean-up"); });
    } catch (std::runtime_error const& error) {
      message = error.what();
    }
    CHECK(message == "clean-up");
  }());
}
