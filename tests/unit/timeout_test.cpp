// Timeouts and deadlines, alone, nested, and against cancellations and errors.
#include "weft/timeout.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>
#include <string>

#include "support/backends.hpp"
#include "weft/cancel.hpp"
#include "weft/event.hpp"
#include "weft/result.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::round;
using support::run_on;
using support::simulated;

namespace {

weft::task<int> value_after(std::chrono::nanoseconds delay, int value) {
  co_await weft::sleep_for(delay);
  co_return value;
}

weft::task<int> at_once(int value) { co_return value; }

// What the timeout of the body throws: "timed out", "cancelled" or nothing.
template <class Rep, class Period, class Body>
weft::task<std::string> how_it_ends(std::chrono::duration<Rep, Period> timeout, Body body) {
  try {
    co_await weft::with_timeout(timeout, std::move(body));
  } catch (weft::timed_out const&) {
    co_return "timed out";
  } catch (weft::cancelled const&) {
    co_return "cancelled";
  }
  co_return "";
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("a body that ends in time has its value yielded") {
  run_on<On>([]() -> weft::task<> {
    CHECK(co_await weft::with_timeout(1h, at_once(1)) == 1);
    CHECK(co_await weft::with_timeout(1h, value_after(1us, 2)) == 2);
    CHECK(co_await weft::with_timeout(1h, []() -> weft::task<int> { return at_once(3); }) == 3);
    co_await weft::with_timeout(1h, weft::yield());
  }());
}

TEST_CASE_ON_EVERY_BACKEND("time that runs out cancels the body and throws timed_out") {
  run_on<On>([]() -> weft::task<> {
    bool cancelled = false;
    auto const ended = co_await how_it_ends(1ms, [&]() -> weft::task<> {
      weft::event never;
      try {
        co_await never.wait();
      } catch (weft::cancelled const&) {
        cancelled = true;
        throw;
      }
    });
    CHECK(ended == "timed out");
    CHECK(cancelled);
    co_await weft::yield();  // nothing is cancelled out here
  }());
}

TEST_CASE("a timeout comes exactly when it is due, and after the body has ended") {
  run_on<simulated>([]() -> weft::task<> {
    auto const begin = weft::now();
    CHECK(co_await how_it_ends(30ms, value_after(30ms + 1ns, 1)) == "timed out");
    CHECK(round<milliseconds>(weft::now() - begin) == 30ms);
    auto const again = weft::now();
    CHECK(co_await how_it_ends(30ms, []() -> weft::task<> {
            try {
              co_await weft::sleep_for(1h);
            } catch (weft::cancelled const&) {}
            co_await weft::shield(weft::sleep_for(10ms));
            co_await weft::yield();
          }) == "timed out");
    CHECK(round<milliseconds>(weft::now() - again) == 40ms);
  }());
}

TEST_CASE("an operation can be the body") {
  run_on<simulated>([]() -> weft::task<> {
    weft::event never;
    bool timed_out = false;
    try {
      co_await weft::with_timeout(1ms, never.wait());
    } catch (weft::timed_out const& error) {
      timed_out = true;
      CHECK(error.code() == std::errc::timed_out);
    }
    CHECK(timed_out);
  }());
}

TEST_CASE("a cancellation from outside throws cancelled, not timed_out") {
  run_on<simulated>([]() -> weft::task<> {
    std::string ended;
    co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      ended = co_await how_it_ends(1h, [&]() -> weft::task<> {
        scope.cancel();
        co_await weft::sleep_for(2h);
      });
    });
    CHECK(ended == "cancelled");
  }());
}

TEST_CASE("when the timeout and a cancellation from outside both come, it is cancelled") {
  run_on<simulated>([]() -> weft::task<> {
    std::string ended;
    co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      ended = co_await how_it_ends(1ms, [&]() -> weft::task<> {
        try {
          co_await weft::sleep_for(1h);
        } catch (weft::cancelled const&) {
          scope.cancel();
          throw;
        }
      });
    });
    CHECK(ended == "cancelled");
  }());
}

TEST_CASE("an inner timeout that is shorter is the inner one's") {
  run_on<simulated>([]() -> weft::task<> {
    std::string inner;
    auto const outer = co_await how_it_ends(10ms, [&]() -> weft::task<> {
      inner = co_await how_it_ends(5ms, value_after(1h, 1));
      co_await weft::sleep_for(1ms);
    });
    CHECK(inner == "timed out");
    CHECK(outer == "");
  }());
}

TEST_CASE("an outer timeout that is shorter cancels through the inner one") {
  for (auto const inner_timeout : {10ms, 5ms}) {  // with 5ms both are due at once
    CAPTURE(inner_timeout.count());
    run_on<simulated>([&]() -> weft::task<> {
      std::string inner;
      auto const begin = weft::now();
      auto const outer = co_await how_it_ends(5ms, [&]() -> weft::task<> {
        inner = co_await how_it_ends(inner_timeout, value_after(1h, 1));
        co_await weft::yield();
      });
      CHECK(inner == "cancelled");
      CHECK(outer == "timed out");
      CHECK(round<milliseconds>(weft::now() - begin) == 5ms);
    }());
  }
}

TEST_CASE("an error of the body's own wins over the timeout, and so does a value") {
  run_on<simulated>([]() -> weft::task<> {
    bool thrown = false;
    try {
      co_await weft::with_timeout(1ms, []() -> weft::task<> {
        try {
          co_await weft::sleep_for(1h);
        } catch (weft::cancelled const&) {}
        throw std::runtime_error("own");
      });
    } catch (std::runtime_error const& error) {
      thrown = std::string(error.what()) == "own";
    }
    CHECK(thrown);
    int const value = co_await weft::with_timeout(1ms, []() -> weft::task<int> {
      try {
        co_await weft::sleep_for(1h);
      } catch (weft::cancelled const&) {}
      co_return 5;
    });
    CHECK(value == 5);
  }());
}

TEST_CASE("a zero or negative timeout still lets a body end that needs not wait") {
  for (auto const timeout : {0ms, -1ms}) {
    run_on<simulated>([&]() -> weft::task<> {
      auto const begin = weft::now();
      CHECK(co_await weft::with_timeout(timeout, at_once(1)) == 1);
      CHECK(co_await how_it_ends(timeout, value_after(1ns, 1)) == "timed out");
      CHECK(round<milliseconds>(weft::now() - begin) == 0ms);
    }());
  }
}

TEST_CASE("a timeout that overflows the clock never comes") {
  run_on<simulated>([]() -> weft::task<> {
    CHECK(co_await weft::with_timeout(std::chrono::hours::max(), value_after(24h, 1)) == 1);
  }());
}

TEST_CASE("with_deadline ends at the instant; one in the past only lets pass what needs not wait") {
  run_on<simulated>([]() -> weft::task<> {
    auto const deadline = weft::now() + 7ms;
    bool timed_out = false;
    try {
      co_await weft::with_deadline(deadline, value_after(1h, 1));
    } catch (weft::timed_out const&) {
      timed_out = true;
    }
    CHECK(timed_out);
    CHECK(round<milliseconds>(weft::now() - deadline) == 0ms);
    CHECK(co_await weft::with_deadline(deadline - 1s, at_once(2)) == 2);
    CHECK_FALSE((co_await weft::as_result(
                     weft::with_deadline(weft::clock::time_point::min(), value_after(1ms, 3))))
                    .has_value());
    CHECK(round<milliseconds>(weft::now() - deadline) == 0ms);
  }());
}

TEST_CASE("as_result turns a timeout into errc::timed_out") {
  run_on<simulated>([]() -> weft::task<> {
    auto const ended = co_await weft::as_result(weft::with_timeout(1ms, value_after(1h, 1)));
    CHECK_FALSE(ended);
    CHECK(ended.error() == std::errc::timed_out);
  }());
}
