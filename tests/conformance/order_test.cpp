// The order of events, which every backend keeps.
#include <array>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::run_on;

TEST_CASE_ON_EVERY_BACKEND("what becomes ready runs first come, first served") {
  std::string order;
  run_on<On>([&]() -> weft::task<> {
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (char name = 'a'; name <= 'c'; ++name)
        tasks.spawn([&order, name]() -> weft::task<> {
          for (int i = 0; i < 3; ++i) {
            order += name;
            co_await weft::yield();
          }
        });
      co_return;
    });
  }());
  CHECK(order == "abcabcabc");
}

TEST_CASE_ON_EVERY_BACKEND("deadlines pass in order, equal ones in the order of their sleeps") {
  std::string order;
  run_on<On>([&]() -> weft::task<> {
    auto const start = weft::now();
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto sleeper = [&](char name, std::chrono::microseconds after) {
        tasks.spawn([&order, start, name, after]() -> weft::task<> {
          co_await weft::sleep_until(start + after);
          order += name;
        });
      };
      sleeper('d', 300us);
      sleeper('a', 100us);
      sleeper('b', 200us);
      sleeper('c', 200us);
      co_return;
    });
  }());
  CHECK(order == "abcd");
}

TEST_CASE_ON_EVERY_BACKEND("a task that never waits gives way all the same") {
  run_on<On>([]() -> weft::task<> {
    bool stop = false;
    weft::event set;
    set.set();
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        while (!stop) co_await set.wait();  // completes inline each time
      });
      tasks.spawn([&]() -> weft::task<> {
        co_await weft::sleep_for(1us);
        stop = true;
      });
      co_return;
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a loop that swallows cancellations starves nobody") {
  run_on<On>([]() -> weft::task<> {
    bool stop = false;
    int swallowed = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto stubborn = tasks.spawn([&]() -> weft::task<> {
        while (!stop) {
          try {
            co_await weft::sleep_for(1h);
          } catch (weft::cancelled const&) {
            ++swallowed;
          }
        }
      });
      co_await weft::yield();
      stubborn.cancel();
      co_await weft::sleep_for(1us);
      stop = true;
    });
    CHECK(swallowed >= 1);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("completion, timeout and cancellation in one tick give one outcome") {
  run_on<On>([]() -> weft::task<> {
    for (int round = 0; round < 3; ++round) {
      auto pipe = weft::make_pipe();
      std::size_t got = 0;
      std::string how;
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        auto reader = tasks.spawn([&]() -> weft::task<> {
          std::array<std::byte, 4> buffer{};
          try {
            got = co_await weft::with_timeout(1us, pipe.read.read_some(buffer));
            how = "value";
          } catch (weft::timed_out const&) {
            how = "timed out";
          } catch (weft::cancelled const&) {
            how = "cancelled";
          }
        });
        co_await weft::yield();
        CHECK(co_await pipe.write.write_some(support::bytes_of("x")) == 1);
        auto const until = weft::now() + 2us;
        while (weft::now() < until && !On::is<support::simulated>()) {}
        reader.cancel();
      });
      CHECK(how != "");
      // The byte is with the reader, or still in the pipe.
      std::array<std::byte, 4> buffer{};
      if (got == 0) CHECK(co_await pipe.read.read_some(buffer) == 1);
    }
  }());
}
