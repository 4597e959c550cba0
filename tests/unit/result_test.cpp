// result<T> and as_result: errors of the system as values, and nothing else.
#include "weft/result.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <tuple>

#include "support/backends.hpp"
#include "weft/cancel.hpp"
#include "weft/descriptor.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"

using namespace std::chrono_literals;
using support::run_on;
using support::simulated;

namespace {

std::error_code const refused = std::make_error_code(std::errc::connection_refused);

}  // namespace

TEST_CASE("a result holds a value or an error code") {
  weft::result<int> good = 5;
  CHECK(good);
  CHECK(good.has_value());
  CHECK(*good == 5);
  CHECK(good.value() == 5);
  CHECK(good.value_or(6) == 5);
  CHECK_FALSE(good.error());

  weft::result<int> bad = refused;
  CHECK_FALSE(bad);
  CHECK(bad.error() == std::errc::connection_refused);
  CHECK(bad.value_or(6) == 6);
  CHECK_THROWS_AS(bad.value(), std::system_error);

  weft::result<std::unique_ptr<int>> movable = std::make_unique<int>(7);
  auto const taken = std::move(movable).value();
  CHECK(*taken == 7);
}

TEST_CASE("a result without a value holds success or an error code") {
  CHECK(weft::result<void>());
  CHECK_NOTHROW(weft::result<void>().value());
  weft::result<void> const bad = refused;
  CHECK_FALSE(bad.has_value());
  CHECK_THROWS_AS(bad.value(), std::system_error);
}

TEST_CASE_ON_EVERY_BACKEND("as_result of an operation yields its value or its errno") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    std::byte byte{};
    auto const written = co_await weft::as_result(pipe.write.write_some({&byte, 1}));
    CHECK(written.value_or(0u) == 1);
    int const number = pipe.write.get();
    pipe.write.close();
    auto stale = weft::descriptor::adopt(number);
    auto const failed = co_await weft::as_result(stale.write_some({&byte, 1}));
    CHECK(failed.error() == std::errc::bad_file_descriptor);
    stale.release();
    auto const nothing = co_await weft::as_result(weft::sleep_for(1us));
    CHECK(nothing);
  }());
}

TEST_CASE("as_result of a task yields its value or the code of its system_error") {
  run_on<simulated>([]() -> weft::task<> {
    CHECK((co_await weft::as_result([]() -> weft::task<int> { co_return 1; }())).value() == 1);
    CHECK(co_await weft::as_result([]() -> weft::task<> { co_return; }()));
    auto const failed = co_await weft::as_result([]() -> weft::task<std::unique_ptr<int>> {
      throw std::system_error(refused, "connect");
      co_return nullptr;
    }());
    CHECK(failed.error() == refused);
  }());
}

TEST_CASE("an error code can be the value of a result") {
  run_on<simulated>([]() -> weft::task<> {
    auto const found = []() -> weft::task<std::error_code> {
      co_return std::make_error_code(std::errc::io_error);
    };
    auto const failing = []() -> weft::task<std::error_code> {
      throw std::system_error(std::make_error_code(std::errc::timed_out));
      co_return std::error_code();
    };
    auto const value = co_await weft::as_result(found());
    REQUIRE(value);
    CHECK(*value == std::errc::io_error);
    auto const error = co_await weft::as_result(failing());
    CHECK_FALSE(error);
    CHECK(error.error() == std::errc::timed_out);
  }());
}

TEST_CASE("as_result lets every other exception pass") {
  run_on<simulated>([]() -> weft::task<> {
    bool passed = false;
    try {
      std::ignore = co_await weft::as_result([]() -> weft::task<> {
        throw std::runtime_error("other");
        co_return;
      }());
    } catch (std::runtime_error const&) {
      passed = true;
    }
    CHECK(passed);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("as_result never swallows a cancellation") {
  run_on<On>([]() -> weft::task<> {
    int returned = 0;
    int ended = 0;
    for (bool const of_operation : {true, false}) {
      ended += co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
        co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
          tasks.spawn([&]() -> weft::task<> {
            auto pipe = weft::make_pipe();
            std::byte byte{};
            if (of_operation) {
              std::ignore = co_await weft::as_result(pipe.read.read_some({&byte, 1}));
            } else {
              std::ignore = co_await weft::as_result(
                  [](weft::descriptor& from, std::byte& into) -> weft::task<> {
                    co_await from.read_some({&into, 1});
                  }(pipe.read, byte));
            }
            ++returned;
          });
          co_await weft::yield();
          scope.cancel();
        });
      });
    }
    CHECK(returned == 0);
    CHECK(ended == 0);
  }());
}
