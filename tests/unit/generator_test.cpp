// Generators: values on demand, awaiting inside, ends of every kind.
#include "weft/generator.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "support/backends.hpp"
#include "weft/cancel.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"

using namespace std::chrono_literals;
using support::run_on;
using support::simulated;

namespace {

weft::generator<int> count(int from, int to) {
  for (int i = from; i < to; ++i) co_yield i;
}

weft::generator<int> count_slowly(int to) {
  for (int i = 0; i < to; ++i) {
    co_await weft::sleep_for(1us);
    co_yield i;
  }
}

weft::task<std::vector<int>> all_of(weft::generator<int> values) {
  std::vector<int> all;
  while (auto const value = co_await values.next()) all.push_back(*value);
  co_return all;
}

struct witness {
  explicit witness(bool& destroyed) : destroyed_(destroyed) {}
  witness(witness const&) = delete;
  witness& operator=(witness const&) = delete;
  ~witness() { destroyed_ = true; }

 private:
  bool& destroyed_;
};

}  // namespace

TEST_CASE("a generator runs to its next co_yield each time, and not before") {
  run_on<simulated>([]() -> weft::task<> {
    int reached = 0;
    auto const body = [&]() -> weft::generator<int> {
      reached = 1;
      co_yield 10;
      reached = 2;
      co_yield 20;
      reached = 3;
    };
    auto values = body();
    CHECK(reached == 0);
    CHECK(co_await values.next() == 10);
    CHECK(reached == 1);
    CHECK(co_await values.next() == 20);
    CHECK(reached == 2);
    CHECK_FALSE((co_await values.next()).has_value());
    CHECK(reached == 3);
    CHECK_FALSE((co_await values.next()).has_value());
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a generator may await between its values") {
  run_on<On>([]() -> weft::task<> {
    CHECK(co_await all_of(count_slowly(4)) == std::vector<int>{0, 1, 2, 3});
  }());
}

TEST_CASE("an empty generator yields nothing, a default-constructed one too") {
  run_on<simulated>([]() -> weft::task<> {
    CHECK((co_await all_of(count(0, 0))).empty());
    CHECK((co_await all_of(weft::generator<int>())).empty());
  }());
}

TEST_CASE("an exception is thrown by next(), once, and ends the generator") {
  run_on<simulated>([]() -> weft::task<> {
    auto values = []() -> weft::generator<int> {
      co_yield 1;
      throw std::runtime_error("source");
    }();
    CHECK(co_await values.next() == 1);
    bool thrown = false;
    try {
      co_await values.next();
    } catch (std::runtime_error const&) {
      thrown = true;
    }
    CHECK(thrown);
    CHECK_FALSE((co_await values.next()).has_value());
  }());
}

TEST_CASE("a generator destroyed midway destroys its locals") {
  run_on<simulated>([]() -> weft::task<> {
    bool destroyed = false;
    {
      auto values = [](bool& flag) -> weft::generator<int> {
        witness const local(flag);
        for (int i = 0;; ++i) {
          co_await weft::yield();
          co_yield i;
        }
      }(destroyed);
      CHECK(co_await values.next() == 0);
      CHECK(co_await values.next() == 1);
      CHECK_FALSE(destroyed);
    }
    CHECK(destroyed);
    auto const never_started = count(0, 1);
  }());
}

TEST_CASE("a generator left midway may outlive the chain that last called next(), and the loop") {
  auto const take_one = [](weft::generator<int>& from) -> weft::task<> {
    CHECK(co_await from.next() == 0);
  };
  run_on<simulated>([](auto& take) -> weft::task<> {
    auto values = count(0, 9);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn(take(values));
      co_return;
    });
  }(take_one));
  auto values = count(0, 9);
  run_on<simulated>(take_one(values));
}

TEST_CASE("generators can be made of generators") {
  run_on<simulated>([]() -> weft::task<> {
    auto const doubled = [](weft::generator<int> from) -> weft::generator<int> {
      while (auto const value = co_await from.next()) co_yield *value * 2;
    };
    auto const joined = [](weft::generator<int> first,
                           weft::generator<int> second) -> weft::generator<int> {
      while (auto const value = co_await first.next()) co_yield *value;
      while (auto const value = co_await second.next()) co_yield *value;
    };
    CHECK(co_await all_of(joined(doubled(count_slowly(3)), doubled(count(10, 12)))) ==
          std::vector<int>{0, 2, 4, 20, 22});
  }());
}

TEST_CASE("values that can only be moved are moved out") {
  run_on<simulated>([]() -> weft::task<> {
    auto values = []() -> weft::generator<std::unique_ptr<int>> {
      co_yield std::make_unique<int>(1);
      auto second = std::make_unique<int>(2);
      co_yield std::move(second);
    }();
    int sum = 0;
    while (auto const value = co_await values.next()) sum += **value;
    CHECK(sum == 3);
  }());
}

TEST_CASE("a generator may be moved between two calls, and handed to another task") {
  run_on<simulated>([]() -> weft::task<> {
    auto values = count_slowly(4);
    CHECK(co_await values.next() == 0);
    auto moved = std::move(values);
    CHECK(co_await moved.next() == 1);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const rest = tasks.spawn(all_of(std::move(moved)));
      CHECK(co_await rest == std::vector<int>{2, 3});
    });
  }());
}

TEST_CASE("a cancellation passes through next(), and ends the generator") {
  run_on<simulated>([]() -> weft::task<> {
    auto values = count_slowly(10);
    int received = 0;
    bool const ended = co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      while (co_await values.next())
        if (++received == 3) scope.cancel();
    });
    CHECK_FALSE(ended);
    CHECK(received == 3);
    CHECK_FALSE((co_await values.next()).has_value());
  }());
}
