// Task-locals: defaults, nesting, inheritance.
#include "weft/task_local.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "support/backends.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"

using namespace std::chrono_literals;
using support::run_on;
using support::simulated;

namespace {

weft::task_local<std::string> request_id{"none"};
weft::task_local<int> level;

weft::task<std::string> current_id() {
  co_await weft::yield();
  co_return request_id.get();
}

}  // namespace

TEST_CASE("without a binding there is the default") {
  run_on<simulated>([]() -> weft::task<> {
    CHECK(request_id.get() == "none");
    CHECK(level.get() == 0);
    CHECK(co_await current_id() == "none");
  }());
}

TEST_CASE_ON_EVERY_BACKEND(
    "a body and all that it awaits see the value, and afterwards the old one") {
  run_on<On>([]() -> weft::task<> {
    CHECK(co_await request_id.with("a", current_id) == "a");
    CHECK(request_id.get() == "none");
    co_await request_id.with("a", []() -> weft::task<> {
      CHECK(co_await request_id.with("b", current_id) == "b");
      CHECK(request_id.get() == "a");
      CHECK(co_await level.with(1, current_id) == "a");
    });
  }());
}

TEST_CASE("an exception takes the binding back too") {
  run_on<simulated>([]() -> weft::task<> {
    try {
      co_await request_id.with("a", []() -> weft::task<> {
        throw std::runtime_error("body");
        co_return;
      });
    } catch (std::runtime_error const&) {
      CHECK(request_id.get() == "none");
    }
    CHECK(request_id.get() == "none");
  }());
}

TEST_CASE("children inherit the bindings that hold where they are spawned") {
  run_on<simulated>([]() -> weft::task<> {
    co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
      co_await request_id.with("a", [&]() -> weft::task<> {
        tasks.spawn([]() -> weft::task<> {
          CHECK(request_id.get() == "a");
          co_await weft::sleep_for(1ms);  // the binding has ended for the parent
          CHECK(request_id.get() == "a");
          CHECK(co_await request_id.with("b", current_id) == "b");
        });
        co_return;
      });
      CHECK(request_id.get() == "none");
      tasks.spawn([]() -> weft::task<> {
        CHECK(request_id.get() == "none");
        co_return;
      });
    });
  }());
}

TEST_CASE(
    "a child that is spawned into somebody else's scope inherits from the one who spawns it") {
  run_on<simulated>([]() -> weft::task<> {
    co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        co_await request_id.with(
            "a", [&]() -> weft::task<> { CHECK(co_await tasks.spawn(current_id()) == "a"); });
      });
      co_return;
    });
  }());
}

TEST_CASE("what a child binds is invisible to its parent and siblings") {
  run_on<simulated>([]() -> weft::task<> {
    co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
      for (char const* name : {"a", "b"})
        tasks.spawn([name]() -> weft::task<> {
          co_await request_id.with(name, [name]() -> weft::task<> {
            for (int i = 0; i < 3; ++i) CHECK(co_await current_id() == name);
          });
        });
      for (int i = 0; i < 3; ++i) {
        co_await weft::yield();
        CHECK(request_id.get() == "none");
      }
    });
  }());
}

TEST_CASE("a bound value lives as long as a child that inherited it") {
  static weft::task_local<std::shared_ptr<int>> shared;
  run_on<simulated>([]() -> weft::task<> {
    auto value = std::make_shared<int>(5);
    std::weak_ptr<int> const watched = value;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      co_await shared.with(std::move(value), [&]() -> weft::task<> {
        tasks.spawn([]() -> weft::task<> {
          co_await weft::sleep_for(1ms);
          CHECK(*shared.get() == 5);
        });
        co_return;
      });
      CHECK_FALSE(watched.expired());
    });
    CHECK(watched.expired());
  }());
}
