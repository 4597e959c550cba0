// Mutexes between tasks: exclusion, order, cancellation in the queue.
#include "weft/mutex.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <utility>
#include <vector>

#include "support/backends.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"

using namespace std::chrono_literals;
using support::run_on;
using support::simulated;

TEST_CASE_ON_EVERY_BACKEND("a mutex excludes others across suspensions, first come, first served") {
  run_on<On>([]() -> weft::task<> {
    weft::mutex guarded;
    std::vector<int> served;
    int inside = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 5; ++i)
        tasks.spawn([&, i]() -> weft::task<> {
          auto const lock = co_await guarded.lock();
          CHECK(++inside == 1);
          co_await weft::sleep_for(1us);
          co_await weft::yield();
          --inside;
          served.push_back(i);
        });
      co_return;
    });
    CHECK(served == std::vector<int>{0, 1, 2, 3, 4});
    CHECK_FALSE(guarded.is_locked());
  }());
}

TEST_CASE("try_lock never waits, and yields an empty lock when the mutex is taken") {
  run_on<simulated>([]() -> weft::task<> {
    weft::mutex guarded;
    auto first = guarded.try_lock();
    CHECK(first.owns_lock());
    CHECK(guarded.is_locked());
    CHECK_FALSE(guarded.try_lock().owns_lock());
    CHECK(guarded.is_locked());  // the empty lock has unlocked nothing
    first.unlock();
    first.unlock();
    CHECK_FALSE(first.owns_lock());
    CHECK_FALSE(guarded.is_locked());
    co_return;
  }());
}

TEST_CASE("a lock can be moved, and unlocks once") {
  run_on<simulated>([]() -> weft::task<> {
    weft::mutex guarded;
    weft::scoped_lock outer;
    {
      auto inner = co_await guarded.lock();
      outer = std::move(inner);
    }
    CHECK(guarded.is_locked());
    outer = weft::scoped_lock();
    CHECK_FALSE(guarded.is_locked());
  }());
}

TEST_CASE("nobody can slip in before the one who waits longest") {
  run_on<simulated>([]() -> weft::task<> {
    weft::mutex guarded;
    bool served = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto lock = co_await guarded.lock();
      tasks.spawn([&]() -> weft::task<> {
        auto const own = co_await guarded.lock();
        served = true;
      });
      co_await weft::yield();
      lock.unlock();
      CHECK_FALSE(guarded.try_lock().owns_lock());  // it belongs to the waiting task already
      CHECK_FALSE(served);
    });
    CHECK(served);
  }());
}

TEST_CASE("a waiter that is cancelled in the queue holds nothing, and the next is served") {
  run_on<simulated>([]() -> weft::task<> {
    weft::mutex guarded;
    std::vector<int> served;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      std::vector<weft::join_handle<void>> waiters;
      auto lock = co_await guarded.lock();
      for (int i = 0; i < 3; ++i)
        waiters.push_back(tasks.spawn([&, i]() -> weft::task<> {
          auto const own = co_await guarded.lock();
          served.push_back(i);
        }));
      co_await weft::yield();
      waiters[0].cancel();
      co_await weft::yield();
      lock.unlock();
    });
    CHECK(served == std::vector<int>{1, 2});
    CHECK_FALSE(guarded.is_locked());
  }());
}

TEST_CASE("a waiter that was handed the mutex before its cancellation has it, and gives it on") {
  run_on<simulated>([]() -> weft::task<> {
    weft::mutex guarded;
    bool locked = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto lock = co_await guarded.lock();
      auto const waiter = tasks.spawn([&]() -> weft::task<> {
        auto const own = co_await guarded.lock();
        locked = own.owns_lock();
        co_await weft::yield();
      });
      co_await weft::yield();
      lock.unlock();
      waiter.cancel();
    });
    CHECK(locked);
    CHECK_FALSE(guarded.is_locked());
  }());
}
