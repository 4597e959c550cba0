// Task scopes: who starts when, who ends whom, and what the scope as a whole yields.
#include "weft/scope.hpp"
#include "weft/event.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <vector>

#include "support/backends.hpp"
#include "weft/cancel.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::round;
using support::run_on;
using support::simulated;

namespace {

weft::task<> note(std::vector<int>& into, int number) {
  into.push_back(number);
  co_return;
}

// Sets `was_cancelled` when cancelled, and ends `delay` later.
weft::task<> end_slowly(std::chrono::milliseconds delay, bool& was_cancelled) {
  try {
    co_await weft::sleep_for(1h);
  } catch (weft::cancelled const&) {
    was_cancelled = true;
  }
  co_await weft::shield(weft::sleep_for(delay));
  if (was_cancelled) throw weft::cancelled();
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("children start in the order of spawning, on the next tick") {
  std::vector<int> order;
  run_on<On>([&]() -> weft::task<> {
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 5; ++i) tasks.spawn(note(order, i));
      CHECK(order.empty());
      CHECK(tasks.size() == 5);
      co_return;
    });
    CHECK(order == std::vector<int>{0, 1, 2, 3, 4});
  }());
}

TEST_CASE("a scope returns when the last child has ended, also those that children spawned") {
  run_on<simulated>([]() -> weft::task<> {
    auto const begin = weft::now();
    co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&tasks]() -> weft::task<> {
        co_await weft::sleep_for(10ms);
        tasks.spawn([]() -> weft::task<> { co_await weft::sleep_for(20ms); });
      });
      co_return;
    });
    CHECK(round<milliseconds>(weft::now() - begin) == 30ms);
  }());
}

TEST_CASE("a child spawned after the last one's end, before the scope has returned, is awaited") {
  run_on<simulated>([]() -> weft::task<> {
    weft::task_scope* inner = nullptr;
    bool late_child_ended = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      weft::event ended;
      tasks.spawn([&]() -> weft::task<> {
        co_await ended.wait();
        REQUIRE(inner != nullptr);
        CHECK(inner->size() == 0);
        inner->spawn([&]() -> weft::task<> {
          co_await weft::sleep_for(1ms);
          late_child_ended = true;
        });
      });
      co_await weft::scope([&](weft::task_scope& children) -> weft::task<> {
        inner = &children;
        children.spawn([&]() -> weft::task<> {
          co_await weft::yield();
          ended.set();  // whoever waits for this resumes before the owner of the scope
        });
        co_return;
      });
      CHECK(late_child_ended);
    });
  }());
}

TEST_CASE("a scope yields its body's value after the children have ended") {
  int const value = run_on<simulated>([]() -> weft::task<int> {
    bool child_ended = false;
    int const yielded = co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<int> {
      tasks.spawn([&]() -> weft::task<> {
        co_await weft::sleep_for(1ms);
        child_ended = true;
      });
      co_return 7;
    });
    CHECK(child_ended);
    co_return yielded;
  }());
  CHECK(value == 7);
}

TEST_CASE("tasks.cancel() ends the children, and a scope without a value returns normally") {
  run_on<simulated>([]() -> weft::task<> {
    bool child_cancelled = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn(end_slowly(0ms, child_cancelled));
      co_await weft::sleep_for(1ms);
      tasks.cancel();
      co_await weft::sleep_for(1h);  // throws cancelled: the body belongs to the scope
    });
    CHECK(child_cancelled);
    CHECK_FALSE(weft::cancel_requested());
  }());
}

TEST_CASE("tasks.cancel() in a scope that should have yielded a value throws cancelled") {
  run_on<simulated>([]() -> weft::task<> {
    bool thrown = false;
    try {
      co_await weft::scope([](weft::task_scope& tasks) -> weft::task<int> {
        tasks.cancel();
        co_await weft::yield();
        co_return 1;
      });
    } catch (weft::cancelled const&) {
      thrown = true;
    }
    CHECK(thrown);
  }());
}

TEST_CASE("a value that a cancelled scope had already is yielded") {
  run_on<simulated>([]() -> weft::task<> {
    bool child_cancelled = false;
    int const value = co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<int> {
      tasks.spawn(end_slowly(0ms, child_cancelled));
      co_await weft::yield();
      tasks.cancel();
      co_return 3;
    });
    CHECK(value == 3);
    CHECK(child_cancelled);
  }());
}

TEST_CASE("a cancellation from outside throws cancelled after the children have ended") {
  run_on<simulated>([]() -> weft::task<> {
    bool child_cancelled = false;
    bool thrown = false;
    auto const begin = weft::now();
    bool const ended = co_await weft::cancellable([&](weft::cancel_scope& outer) -> weft::task<> {
      try {
        co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
          tasks.spawn(end_slowly(5ms, child_cancelled));
          co_await weft::yield();
          outer.cancel();
        });
      } catch (weft::cancelled const&) {
        thrown = true;
        throw;
      }
    });
    CHECK_FALSE(ended);
    CHECK(thrown);
    CHECK(child_cancelled);
    CHECK(round<milliseconds>(weft::now() - begin) == 5ms);
  }());
}

TEST_CASE("a cancellation from outside that cut nothing short leaves the scope's value") {
  run_on<simulated>([]() -> weft::task<> {
    auto const value = co_await weft::cancellable([](weft::cancel_scope& outer) -> weft::task<int> {
      co_return co_await weft::scope([&](weft::task_scope&) -> weft::task<int> {
        outer.cancel();
        co_return 5;
      });
    });
    CHECK(value == 5);
  }());
}

TEST_CASE("a child spawned into a cancelled scope runs up to its first operation") {
  run_on<simulated>([]() -> weft::task<> {
    std::vector<int> reached;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.cancel();
      tasks.spawn([&]() -> weft::task<> {
        reached.push_back(1);
        co_await weft::yield();
        reached.push_back(2);
      });
      co_return;
    });
    CHECK(reached == std::vector<int>{1});
  }());
}

TEST_CASE("request_stop advises body and children, and cancels nobody") {
  run_on<simulated>([]() -> weft::task<> {
    int stopped = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 2; ++i)
        tasks.spawn([&]() -> weft::task<> {
          while (!weft::stop_requested()) co_await weft::sleep_for(1ms);
          co_await weft::sleep_for(1ms);
          ++stopped;
        });
      co_await weft::sleep_for(10ms);
      CHECK_FALSE(weft::stop_requested());
      tasks.request_stop();
      CHECK(weft::stop_requested());
    });
    CHECK(stopped == 2);
    CHECK_FALSE(weft::stop_requested());
  }());
}

TEST_CASE("a spawned function is kept until its task has ended") {
  run_on<simulated>([]() -> weft::task<> {
    int sum = 0;
    auto const watched = std::make_shared<int>(0);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 1; i <= 3; ++i)
        tasks.spawn([&sum, watched, number = std::make_unique<int>(i)]() -> weft::task<> {
          co_await weft::sleep_for(1ms);
          sum += *number;
        });
      CHECK(watched.use_count() == 4);
      co_return;
    });
    CHECK(sum == 6);
    CHECK(watched.use_count() == 1);
  }());
}

TEST_CASE("spawning an empty task throws logic_error") {
  run_on<simulated>([]() -> weft::task<> {
    co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
      CHECK_THROWS_AS(tasks.spawn(weft::task<int>()), std::logic_error);
      CHECK(tasks.size() == 0);
      co_return;
    });
  }());
}

TEST_CASE("a hundred thousand children end") {
  int ended = 0;
  run_on<simulated>([&]() -> weft::task<> {
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 100'000; ++i)
        tasks.spawn([&ended]() -> weft::task<> {
          co_await weft::yield();
          ++ended;
        });
      co_return;
    });
  }());
  CHECK(ended == 100'000);
}
