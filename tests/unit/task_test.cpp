// Tasks: laziness, ownership, values, exceptions.
#include "weft/task.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "support/backends.hpp"
#include "weft/generator.hpp"
#include "weft/scope.hpp"

using support::run_on;
using support::simulated;

namespace {

template <class T, class Value>
concept returns = requires(typename weft::task<T>::promise_type promise, Value value) {
  promise.return_value(std::move(value));
};

template <class T, class Value>
concept yields = requires(typename weft::generator<T>::promise_type promise, Value value) {
  promise.yield_value(std::move(value));
};

weft::task<int> at_once(int value) { co_return value; }

weft::task<> note(bool& ran) {
  ran = true;
  co_return;
}

// Says when it is destroyed.
class witness {
 public:
  explicit witness(bool& destroyed) : destroyed_(&destroyed) {}
  witness(witness&& other) noexcept : destroyed_(std::exchange(other.destroyed_, nullptr)) {}
  witness& operator=(witness&&) = delete;
  ~witness() {
    if (destroyed_ != nullptr) *destroyed_ = true;
  }

 private:
  bool* destroyed_;
};

}  // namespace

static_assert(!std::is_copy_constructible_v<weft::task<>>);
static_assert(std::is_nothrow_move_constructible_v<weft::task<>>);
static_assert(std::is_nothrow_move_assignable_v<weft::task<>>);

TEST_CASE("a task runs when it is awaited, not before, and never when it is dropped") {
  bool ran = false;
  run_on<simulated>([&]() -> weft::task<> {
    auto lazy = note(ran);
    CHECK_FALSE(ran);
    co_await std::move(lazy);
    CHECK(ran);
  }());
  ran = false;
  { auto const dropped = note(ran); }
  CHECK_FALSE(ran);
}

TEST_CASE("a task is empty once moved from or awaited, and awaiting it then throws logic_error") {
  run_on<simulated>([]() -> weft::task<> {
    auto first = at_once(1);
    auto second = std::move(first);
    CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move)
    CHECK(second);
    CHECK(co_await std::move(second) == 1);
    CHECK_FALSE(second);  // NOLINT(bugprone-use-after-move)
    int refused = 0;
    for (auto* empty : {&first, &second}) {
      try {
        co_await std::move(*empty);
      } catch (std::logic_error const&) {
        ++refused;
      }
    }
    try {
      co_await weft::task<>();
    } catch (std::logic_error const&) {
      ++refused;
    }
    CHECK(refused == 3);
  }());
}

TEST_CASE("a task that is a member is destroyed before the members it refers to") {
  struct session {
    std::string log;
    weft::task<> pending;
  };
  struct note {
    std::string* log;
    explicit note(std::string& to) noexcept : log(&to) {}
    note(note&& other) noexcept : log(std::exchange(other.log, nullptr)) {}
    ~note() {
      if (log != nullptr) *log += "a text that is too long to be kept in the string itself";
    }
  };
  auto owner = std::make_unique<session>();
  owner->pending = [](note) -> weft::task<> { co_return; }(note(owner->log));
  auto never_started = [](std::unique_ptr<session>) -> weft::task<> {
    co_return;
  }(std::move(owner));
  never_started = weft::task<>();
  CHECK_FALSE(never_started);
}

TEST_CASE("assigning to a task destroys the one it held") {
  bool destroyed = false;
  auto const hold = [](witness) -> weft::task<int> { co_return 1; };
  auto held = hold(witness(destroyed));
  CHECK_FALSE(destroyed);
  held = at_once(2);
  CHECK(destroyed);
  CHECK(run_on<simulated>(std::move(held)) == 2);
}

TEST_CASE_ON_EVERY_BACKEND("a task yields values of every kind") {
  run_on<On>([]() -> weft::task<> {
    CHECK(co_await at_once(3) == 3);
    auto const movable =
        co_await []() -> weft::task<std::unique_ptr<int>> { co_return std::make_unique<int>(4); }();
    CHECK(*movable == 4);
    int target = 5;
    int& reference = co_await [](int& referred) -> weft::task<int&> { co_return referred; }(target);
    CHECK(&reference == &target);
    auto const converted = co_await []() -> weft::task<std::string> { co_return "text"; }();
    CHECK(converted == "text");
    struct no_default {
      explicit no_default(int from) : value(from) {}
      int value;
    };
    auto const made = co_await []() -> weft::task<no_default> { co_return no_default(6); }();
    CHECK(made.value == 6);
    co_await []() -> weft::task<> { co_return; }();
  }());
}

TEST_CASE("co_return and co_yield convert implicitly only, as return does") {
  static_assert(returns<std::string, char const*>);
  static_assert(yields<std::string, char const*>);
  static_assert(!returns<std::unique_ptr<int>, int*>);
  static_assert(!yields<std::unique_ptr<int>, int*>);
}

TEST_CASE("an exception passes through every await, and locals are destroyed on its way") {
  run_on<simulated>([]() -> weft::task<> {
    bool outer_destroyed = false;
    bool inner_destroyed = false;
    auto const inner = [](witness) -> weft::task<int> {
      throw std::runtime_error("inner");
      co_return 0;
    };
    auto const outer = [&](witness) -> weft::task<int&> {
      static int unused = co_await inner(witness(inner_destroyed));
      co_return unused;
    };
    std::string message;
    try {
      co_await outer(witness(outer_destroyed));
    } catch (std::runtime_error const& error) {
      message = error.what();
    }
    CHECK(message == "inner");
    CHECK(inner_destroyed);
    CHECK(outer_destroyed);
  }());
}

TEST_CASE("a task can be handed on without being awaited") {
  run_on<simulated>([]() -> weft::task<> {
    auto const forward = []() -> weft::task<int> { return at_once(7); };
    auto const await_later = [](weft::task<int> given) -> weft::task<int> {
      co_return co_await std::move(given) + 1;
    };
    CHECK(co_await await_later(forward()) == 8);
  }());
}
