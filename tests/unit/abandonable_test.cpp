// abandonable(fn): calls that a cancellation leaves behind on the pool of threads.
#include "weft/abandonable.hpp"

#include <doctest/doctest.h>

#include <future>
#include <memory>
#include <stdexcept>
#include <thread>

#include "support/backends.hpp"
#include "weft/cancel.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"

using support::run_on;

namespace {

// A call that says when it has begun and when it is destroyed, and waits to be released.
struct gate {
  std::promise<void> begun;
  std::promise<void> destroyed;
  std::promise<void> release;

  auto call() {
    struct end {
      std::promise<void>& destroyed;
      explicit end(std::promise<void>& told) : destroyed(told) {}
      end(end const&) = delete;
      end& operator=(end const&) = delete;
      ~end() { destroyed.set_value(); }
    };
    return [this, released = release.get_future().share(),
            told = std::make_unique<end>(destroyed)]() mutable {
      begun.set_value();
      released.wait();
      return std::move(told);
    };
  }
};

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("an abandonable call runs on another thread and yields its value here") {
  run_on<On>([]() -> weft::task<> {
    auto const here = std::this_thread::get_id();
    auto const there = co_await weft::abandonable([] { return std::this_thread::get_id(); });
    CHECK(there != here);
    CHECK(std::this_thread::get_id() == here);
    bool called = false;
    co_await weft::abandonable([&] { called = true; });
    CHECK(called);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("what an abandonable call throws is thrown here") {
  run_on<On>([]() -> weft::task<> {
    bool thrown = false;
    try {
      co_await weft::abandonable([]() -> int { throw std::runtime_error("there"); });
    } catch (std::runtime_error const&) {
      thrown = true;
    }
    CHECK(thrown);
  }());
}

TEST_CASE_ON_REAL_BACKENDS(
    "a cancellation leaves a call that has begun behind, and its value is destroyed") {
  gate held;
  run_on<On>([&]() -> weft::task<> {
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const child =
          tasks.spawn([&]() -> weft::task<> { co_await weft::abandonable(held.call()); });
      co_await weft::yield();
      held.begun.get_future().wait();
      child.cancel();
      while (!child.ended()) co_await weft::yield();
    });
    held.release.set_value();
    // The value is back here before the second call's, or destroyed where it was made.
    co_await weft::abandonable([&] { held.destroyed.get_future().wait(); });
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a loop ends without waiting for what it has left behind") {
  gate held;
  run_on<On>([&]() -> weft::task<> {
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const child =
          tasks.spawn([&]() -> weft::task<> { co_await weft::abandonable(held.call()); });
      co_await weft::yield();
      held.begun.get_future().wait();
      child.cancel();
    });
  }());
  // The loop is gone, and the call goes on.
  held.release.set_value();
  held.destroyed.get_future().wait();
}

TEST_CASE_ON_REAL_BACKENDS("an abandonable call that is cancelled before it has begun never runs") {
  run_on<On>([]() -> weft::task<> {
    bool ran = false;
    bool const ended = co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      scope.cancel();
      co_await weft::abandonable([&] { ran = true; });
    });
    CHECK_FALSE(ended);
    CHECK_FALSE(ran);
  }());
}
