// A million of everything, on a stack of the usual size: nothing recurses, nothing grows.
#include <chrono>
#include <coroutine>
#include <vector>

#include "support/backends.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::run_on;

namespace {

constexpr int million = 1'000'000;

weft::task<int> one() { co_return 1; }

weft::task<int> deep(int levels) {
  if (levels == 0) {
    co_await weft::yield();
    co_return 0;
  }
  co_return 1 + co_await deep(levels - 1);
}

// Not inlined: locals of a coroutine are not on the stack.
[[gnu::noinline]] char const* stack_now() {
  return static_cast<char const*>(__builtin_frame_address(0));
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("a million awaits in a row that complete at once") {
  run_on<On>([]() -> weft::task<> {
    char const* const base = stack_now();
    int sum = 0;
    std::ptrdiff_t deepest = 0;
    for (int i = 0; i < million; ++i) {
      sum += co_await one();
      deepest = std::max(deepest, base - stack_now());
    }
    CHECK(sum == million);
    CHECK(deepest < 64 * 1024);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a chain of awaits a million deep, which suspends at its leaf") {
  run_on<On>([]() -> weft::task<> { CHECK(co_await deep(million) == million); }());
}

TEST_CASE_ON_EVERY_BACKEND("a chain a million deep, cancelled at its leaf") {
  run_on<On>([]() -> weft::task<> {
    co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
      auto waiting = [](auto self, int levels) -> weft::task<> {
        if (levels == 0)
          co_await weft::sleep_for(1h);
        else
          co_await self(self, levels - 1);
      };
      auto const child = tasks.spawn(waiting(waiting, million));
      co_await weft::yield();
      child.cancel();
    });
  }());
}

TEST_CASE("a million tasks that hold each other as parameters and never started are destroyed") {
  weft::task<> outer;
  for (int i = 0; i < million; ++i)
    outer = [](weft::task<> inner) -> weft::task<> { co_await std::move(inner); }(std::move(outer));
  CHECK(outer);
}

TEST_CASE_ON_EVERY_BACKEND("a million spawned children") {
  run_on<On>([]() -> weft::task<> {
    int ended = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < million; ++i)
        tasks.spawn([](int& count) -> weft::task<> {
          co_await weft::yield();
          ++count;
        }(ended));
      co_return;
    });
    CHECK(ended == million);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a million pending timers, some equal, pass in order") {
  run_on<On>([]() -> weft::task<> {
    std::chrono::microseconds last{0};
    bool ordered = true;
    int ended = 0;
    weft::event all_spawned;
    weft::clock::time_point start;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const before = weft::now();
      for (int i = 0; i < million; ++i)
        tasks.spawn(
            [](auto& go, auto& from, auto& in_order, auto& latest, int& count,
               std::chrono::microseconds after) -> weft::task<> {
              co_await go.wait();
              co_await weft::sleep_until(from + after);
              in_order = in_order && latest <= after;
              latest = after;
              ++count;
            }(all_spawned, start, ordered, last, ended,
                                                std::chrono::microseconds(i * 7919L % 200'003)));
      co_await weft::yield();
      // The first may fire only when the last sleeps: in several times what it took to get here.
      start = weft::now() + 100ms + 4 * (weft::now() - before);
      all_spawned.set();
    });
    CHECK(ended == million);
    CHECK(ordered);
  }());
}
