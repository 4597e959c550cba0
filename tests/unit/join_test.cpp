// Join handles: awaiting, cancelling and naming one child.
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "support/backends.hpp"
#include "weft/cancel.hpp"
#include "weft/dump.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"
#include "weft/timeout.hpp"

using namespace std::chrono_literals;
using support::run_on;
using support::simulated;

namespace {

weft::task<int> value_after(std::chrono::milliseconds delay, int value) {
  co_await weft::sleep_for(delay);
  co_return value;
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("joining waits for the child and yields its value") {
  run_on<On>([]() -> weft::task<> {
    co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
      auto const child = tasks.spawn(value_after(1ms, 42));
      CHECK_FALSE(child.ended());
      CHECK(co_await child == 42);
      CHECK(child.ended());
    });
  }());
}

TEST_CASE("a child that has ended is joined without waiting, also after its scope") {
  run_on<simulated>([]() -> weft::task<> {
    weft::join_handle<std::unique_ptr<int>> child;
    CHECK_FALSE(child);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      child = tasks.spawn(
          []() -> weft::task<std::unique_ptr<int>> { co_return std::make_unique<int>(9); });
      co_return;
    });
    CHECK(child.ended());
    auto const value = co_await child;
    CHECK(*value == 9);
  }());
}

TEST_CASE("only one join may take the value; a second one throws logic_error") {
  run_on<simulated>([]() -> weft::task<> {
    co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
      auto const child = tasks.spawn(value_after(1ms, 1));
      auto const copy = child;
      CHECK(co_await copy == 1);
      bool refused = false;
      try {
        co_await child;
      } catch (std::logic_error const&) {
        refused = true;
      }
      CHECK(refused);
    });
  }());
}

TEST_CASE("several can wait for one child") {
  run_on<simulated>([]() -> weft::task<> {
    int values = 0;
    int refusals = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const child = tasks.spawn(value_after(5ms, 1));
      for (int i = 0; i < 3; ++i)
        tasks.spawn([&values, &refusals, child]() -> weft::task<> {
          try {
            values += co_await child;
          } catch (std::logic_error const&) {
            ++refusals;
          }
        });
      co_return;
    });
    CHECK(values == 1);
    CHECK(refusals == 2);
  }());
}

TEST_CASE("joining a failed child throws what it threw, and its scope fails with that too") {
  run_on<simulated>([]() -> weft::task<> {
    std::string joined;
    std::string failed;
    try {
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        auto const child = tasks.spawn([]() -> weft::task<> {
          throw std::runtime_error("broken");
          co_return;
        });
        co_await weft::shield([&]() -> weft::task<> {
          try {
            co_await child;
          } catch (std::runtime_error const& error) {
            joined = error.what();
          }
        });
      });
    } catch (std::runtime_error const& error) {
      failed = error.what();
    }
    CHECK(joined == "broken");
    CHECK(failed == "broken");
    CHECK(weft::take_suppressed().empty());
  }());
}

TEST_CASE("a failed child's exception that the body lets through counts once") {
  run_on<simulated>([]() -> weft::task<> {
    bool thrown = false;
    try {
      co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
        auto const child = tasks.spawn([]() -> weft::task<> {
          throw std::runtime_error("broken");
          co_return;
        });
        co_await weft::shield([&]() -> weft::task<> { co_await child; });
      });
    } catch (std::runtime_error const&) {
      thrown = true;
      CHECK(weft::take_suppressed().empty());
    }
    CHECK(thrown);
  }());
}

TEST_CASE(
    "cancelling one child is no failure: its siblings go on, and a join says child_cancelled") {
  run_on<simulated>([]() -> weft::task<> {
    int sibling = 0;
    bool told = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const child = tasks.spawn(value_after(1h, 1));
      tasks.spawn([&]() -> weft::task<> {
        co_await weft::sleep_for(10ms);
        ++sibling;
      });
      co_await weft::yield();
      child.cancel();
      try {
        co_await child;
      } catch (weft::child_cancelled const&) {
        told = true;
      }
    });
    CHECK(told);
    CHECK(sibling == 1);
  }());
}

TEST_CASE("cancelling a child before its first tick ends it at its first operation") {
  run_on<simulated>([]() -> weft::task<> {
    bool began = false;
    bool went_on = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks
          .spawn([&]() -> weft::task<> {
            began = true;
            co_await weft::yield();
            went_on = true;
          })
          .cancel();
      co_return;
    });
    CHECK(began);
    CHECK_FALSE(went_on);
  }());
}

TEST_CASE("a cancelled join leaves the child as it is, to be joined again") {
  run_on<simulated>([]() -> weft::task<> {
    co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
      auto const child = tasks.spawn(value_after(20ms, 8));
      bool timed_out = false;
      try {
        co_await weft::with_timeout(5ms, child.operator co_await());
      } catch (weft::timed_out const&) {
        timed_out = true;
      }
      CHECK(timed_out);
      CHECK_FALSE(child.ended());
      CHECK(co_await child == 8);
    });
  }());
}

TEST_CASE("what awaits a named handle with a timeout leaves the handle to its owner") {
  run_on<simulated>([]() -> weft::task<> {
    co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
      auto child = tasks.spawn(value_after(5ms, 5));
      bool timed_out = false;
      try {
        co_await weft::with_timeout(1ms, child);
      } catch (weft::timed_out const&) {
        timed_out = true;
      }
      CHECK(timed_out);
      REQUIRE(child);
      CHECK(co_await weft::shield(child) == 5);
      CHECK(child);
      CHECK(child.ended());
    });
  }());
}

TEST_CASE("using an empty handle throws logic_error") {
  run_on<simulated>([]() -> weft::task<> {
    weft::join_handle<int> empty;
    CHECK_THROWS_AS(empty.cancel(), std::logic_error);
    CHECK_THROWS_AS(empty.name("nobody"), std::logic_error);
    CHECK_THROWS_AS(static_cast<void>(empty.ended()), std::logic_error);
    int thrown = 0;
    try {
      co_await empty;
    } catch (std::logic_error const&) {
      ++thrown;
    }
    try {
      co_await std::move(empty);
    } catch (std::logic_error const&) {
      ++thrown;
    }
    CHECK(thrown == 2);
  }());
}

TEST_CASE("dropping every handle leaves the child running") {
  run_on<simulated>([]() -> weft::task<> {
    bool ended = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      {
        auto first = tasks.spawn([&]() -> weft::task<> {
          co_await weft::sleep_for(1ms);
          ended = true;
        });
        auto second = std::move(first);
        CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move)
        CHECK(second);
      }
      co_return;
    });
    CHECK(ended);
  }());
}

TEST_CASE("a child's name shows in the dump, and in what its joiner waits for") {
  run_on<simulated>([]() -> weft::task<> {
    co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
      auto const child = tasks.spawn(value_after(1ms, 1));
      child.name("the worker");
      tasks.spawn([child]() -> weft::task<> { co_await child; });
      co_await weft::yield();
      co_await weft::yield();
      auto const text = weft::dump();
      CAPTURE(text);
      CHECK(text.find("the worker: waiting") != std::string::npos);
      CHECK(text.find("join of the worker") != std::string::npos);
    });
  }());
}
