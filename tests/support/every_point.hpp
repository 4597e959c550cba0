// The two harnesses that run a body again and again: cancelling it at its first, second, ... Nth
// suspension point, and letting its first, second, ... Nth allocation fail, until it ends by
// itself.
#pragma once

#include <doctest/doctest.h>

#include <exception>
#include <functional>
#include <new>
#include <source_location>
#include <thread>

#include "support/allocations.hpp"
#include "support/backends.hpp"
#include "weft/cancel.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"

namespace support {

// CHECK for bodies: doctest's own would swallow what an await in it throws, and it allocates.
inline void expect(bool holds, std::source_location where = std::source_location::current()) {
  if (holds) return;
  stop_failing_allocations();
  FAIL_CHECK(where.file_name(), ":", where.line(), " in ", where.function_name());
}

using body = std::function<weft::task<>()>;

// Shows that the loop works: children run, time passes.
inline weft::task<> use_the_loop() {
  int ended = 0;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    for (int i = 0; i < 2; ++i)
      tasks.spawn([&]() -> weft::task<> {
        co_await weft::yield();
        co_await weft::sleep_for(std::chrono::nanoseconds(1));
        ++ended;
      });
    co_return;
  });
  CHECK(ended == 2);
}

namespace detail {

// Runs the body once, cancelled after `point` resumes. True when it ended before that.
template <class On>
bool cancel_at(int point, body const& run) {
  weft::cancel_scope* inner = nullptr;
  int resumes = 0;
  bool cancelled = false;
  auto root = [&]() -> weft::task<> {
    co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      inner = &scope;
      struct gone {
        weft::cancel_scope*& inner;
        ~gone() { inner = nullptr; }
      } const at_end{inner};
      co_await run();
    });
    co_await use_the_loop();
  };
  run_on<On>(root(), [&] {
    if (inner == nullptr || ++resumes != point) return;
    cancelled = true;
    inner->cancel();
  });
  return !cancelled;
}

}  // namespace detail

// Runs `run` until a round ends before its turn to be cancelled; returns the number of rounds.
// `after_each` checks what must hold after every round. Errors, other than cancelled, fail the
// test.
template <class On>
int cancel_at_every_point(body const& run, std::function<void()> const& after_each = {}) {
  std::size_t const descriptors = open_descriptors();
  int point = 1;
  for (bool ended = false; !ended; ++point) {
    CAPTURE(point);
    REQUIRE_MESSAGE(point < 10'000, "the body does not end");
    ended = detail::cancel_at<On>(point, run);
    if (after_each) after_each();
    CHECK(open_descriptors() == descriptors);
  }
  return point - 1;
}

// Lets every allocation in turn fail. The body may end with any exception; afterwards the same loop
// must work. Each round has a thread of its own, since frames come from a cache per thread.
template <class On>
int fail_every_allocation(body const& run, std::function<void()> const& after_each = {}) {
  std::size_t const descriptors = open_descriptors();
  int nth = 1;
  bool ended = false;
  do {
    CAPTURE(nth);
    REQUIRE_MESSAGE(nth < 10'000, "the body does not end");
    std::thread([&] {
      auto root = [&]() -> weft::task<> {
        fail_allocation(nth);
        try {
          co_await run();
        } catch (...) {  // bad_alloc, or an error made of it
        }
        ended = !allocation_has_failed();
        stop_failing_allocations();
        co_await use_the_loop();
      };
      run_on<On>(root());
    }).join();
    if (after_each) after_each();
    CHECK(open_descriptors() == descriptors);
    ++nth;
  } while (!ended);
  return nth - 1;
}

}  // namespace support
