// Cancellation: regions that can be cancelled, shields, stops, and what "level-triggered" means.
#include "weft/cancel.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>

#include "support/backends.hpp"
#include "weft/channel.hpp"
#include "weft/event.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::round;
using support::run_on;
using support::simulated;

namespace {

weft::task<> sleep_long() { co_await weft::sleep_for(1h); }

weft::task<int> at_once(int value) { co_return value; }

}  // namespace

TEST_CASE("a cancellable body that ends by itself yields its value, or true") {
  run_on<simulated>([]() -> weft::task<> {
    auto const value =
        co_await weft::cancellable([](weft::cancel_scope&) -> weft::task<std::unique_ptr<int>> {
          co_await weft::sleep_for(1ms);
          co_return std::make_unique<int>(4);
        });
    REQUIRE(value.has_value());
    CHECK(**value == 4);
    CHECK(co_await weft::cancellable(
        [](weft::cancel_scope&) -> weft::task<> { co_await weft::yield(); }));
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a sibling ends a cancellable body, and only that") {
  run_on<On>([]() -> weft::task<> {
    weft::event entered;
    weft::cancel_scope* inner = nullptr;
    std::optional<int> value = 1;
    bool went_on = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        value = co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<int> {
          inner = &scope;
          entered.set();
          co_await sleep_long();
          co_return 2;
        });
        co_await weft::sleep_for(1ns);
        went_on = true;
      });
      co_await entered.wait();
      inner->cancel();
      inner->cancel();  // changes nothing
    });
    CHECK_FALSE(value.has_value());
    CHECK(went_on);
  }());
}

TEST_CASE("an inner region passes on the cancellation of an outer one") {
  run_on<simulated>([]() -> weft::task<> {
    bool inner_returned = false;
    bool const ended = co_await weft::cancellable([&](weft::cancel_scope& outer) -> weft::task<> {
      co_await weft::cancellable([&](weft::cancel_scope& inner) -> weft::task<> {
        inner.cancel();
        outer.cancel();
        CHECK(inner.cancelled());
        co_await weft::yield();
      });
      inner_returned = true;
    });
    CHECK_FALSE(ended);
    CHECK_FALSE(inner_returned);
  }());
}

TEST_CASE("an error of the body's own wins over its cancellation") {
  run_on<simulated>([]() -> weft::task<> {
    bool thrown = false;
    try {
      co_await weft::cancellable([](weft::cancel_scope& scope) -> weft::task<> {
        scope.cancel();
        try {
          co_await weft::yield();
        } catch (weft::cancelled const&) {
          throw std::runtime_error("own");
        }
      });
    } catch (std::runtime_error const&) {
      thrown = true;
    }
    CHECK(thrown);
  }());
}

TEST_CASE("every operation after the request throws, until the region is left") {
  run_on<simulated>([]() -> weft::task<> {
    int thrown = 0;
    auto const begin = weft::now();
    bool const ended = co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      scope.cancel();
      CHECK(weft::cancel_requested());
      weft::event set;
      set.set();
      for (int i = 0; i < 3; ++i) {
        try {
          co_await weft::sleep_for(1s);
        } catch (weft::cancelled const&) {
          ++thrown;
        }
        try {
          co_await set.wait();  // would complete inline
        } catch (weft::cancelled const&) {
          ++thrown;
        }
      }
    });
    CHECK(ended);
    CHECK(thrown == 6);
    CHECK(round<milliseconds>(weft::now() - begin) == 0ms);
    CHECK_FALSE(weft::cancel_requested());
    co_await weft::sleep_for(1s);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a loop that catches and retries for ever starves no task") {
  run_on<On>([]() -> weft::task<> {
    bool done = false;
    int thrown = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks
          .spawn([&]() -> weft::task<> {
            while (!done) {
              try {
                co_await weft::sleep_for(1h);
              } catch (...) {
                ++thrown;
              }
            }
          })
          .cancel();
      tasks.spawn([&]() -> weft::task<> {
        for (int i = 0; i < 10; ++i) co_await weft::yield();
        done = true;
      });
      co_return;
    });
    CHECK(thrown >= 10);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a loop that catches and retries for ever starves no timer") {
  run_on<On>([]() -> weft::task<> {
    bool done = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks
          .spawn([&]() -> weft::task<> {
            while (!done) {
              try {
                co_await weft::sleep_for(1h);
              } catch (weft::cancelled const&) {}
            }
          })
          .cancel();
      co_await weft::sleep_for(1us);
      done = true;
    });
    CHECK(done);
  }());
}

TEST_CASE("awaiting a task is no checkpoint") {
  run_on<simulated>([]() -> weft::task<> {
    auto const value = co_await weft::cancellable([](weft::cancel_scope& scope) -> weft::task<int> {
      scope.cancel();
      co_return co_await at_once(1) + co_await at_once(2);
    });
    CHECK(value == 3);
  }());
}

TEST_CASE("what had completed before the cancellation is delivered; the next operation throws") {
  run_on<simulated>([]() -> weft::task<> {
    weft::channel<int> items(0);
    std::optional<int> received;
    bool next_threw = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const receiver = tasks.spawn([&]() -> weft::task<> {
        received = co_await items.receive();
        try {
          co_await items.receive();
        } catch (weft::cancelled const&) {
          next_threw = true;
          throw;
        }
      });
      co_await weft::yield();
      CHECK(items.try_send(5));  // the receiver is ready now
      receiver.cancel();
    });
    CHECK(received == 5);
    CHECK(next_threw);
  }());
}

TEST_CASE("a shield keeps the cancellation out, and the next operation after it throws") {
  run_on<simulated>([]() -> weft::task<> {
    bool finished = false;
    bool went_on = false;
    auto const begin = weft::now();
    co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      int const value = co_await weft::shield([&]() -> weft::task<int> {
        scope.cancel();
        CHECK_FALSE(weft::cancel_requested());
        co_await weft::sleep_for(10ms);
        finished = true;
        co_return 6;
      });
      CHECK(value == 6);
      CHECK(weft::cancel_requested());
      co_await weft::yield();
      went_on = true;
    });
    CHECK(finished);
    CHECK_FALSE(went_on);
    CHECK(round<milliseconds>(weft::now() - begin) == 10ms);
  }());
}

TEST_CASE("a shield entered after the request is as good") {
  run_on<simulated>([]() -> weft::task<> {
    bool finished = false;
    co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      scope.cancel();
      co_await weft::shield(weft::sleep_for(1ms));
      finished = true;
      co_await weft::yield();
    });
    CHECK(finished);
  }());
}

TEST_CASE("a shield protects the children spawned inside it, and nothing protects from within") {
  run_on<simulated>([]() -> weft::task<> {
    bool child_ended = false;
    bool inner_ended = true;
    co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      co_await weft::shield([&]() -> weft::task<> {
        co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
          tasks.spawn([&]() -> weft::task<> {
            co_await weft::sleep_for(1ms);
            child_ended = true;
          });
          co_await weft::yield();
          scope.cancel();
        });
        inner_ended = co_await weft::cancellable([](weft::cancel_scope& inner) -> weft::task<> {
          inner.cancel();
          co_await weft::yield();
        });
      });
    });
    CHECK(child_ended);
    CHECK_FALSE(inner_ended);
  }());
}
