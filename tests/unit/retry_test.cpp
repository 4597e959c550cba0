// retry: how often, how long between, and what is not retried.
#include "weft/retry.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "weft/cancel.hpp"
#include "weft/this_task.hpp"

using namespace std::chrono_literals;
using support::run_on;
using support::simulated;

namespace {

// Fails until it has been called `good` times; notes when it was called.
class flaky {
 public:
  explicit flaky(int good) : good_(good) {}

  weft::task<int> operator()() {
    called_at.push_back(weft::now());
    co_await weft::yield();
    int const calls = static_cast<int>(called_at.size());
    if (calls < good_) throw std::runtime_error("attempt " + std::to_string(calls));
    co_return calls;
  }

  std::vector<weft::clock::time_point> called_at;

 private:
  int good_;
};

}  // namespace

TEST_CASE("the value of the first success is yielded") {
  run_on<simulated>([]() -> weft::task<> {
    flaky once(1);
    CHECK(co_await weft::retry({}, [&] { return once(); }) == 1);
    flaky thrice(3);
    CHECK(co_await weft::retry({}, [&] { return thrice(); }) == 3);
    CHECK(thrice.called_at.size() == 3);
    co_await weft::retry({}, []() -> weft::task<> { co_return; });
  }());
}

TEST_CASE("when the attempts are used up the last exception is rethrown") {
  run_on<simulated>([]() -> weft::task<> {
    for (int const attempts : {1, 4}) {
      flaky never(100);
      std::string message;
      try {
        co_await weft::retry({.attempts = attempts}, [&] { return never(); });
      } catch (std::runtime_error const& error) {
        message = error.what();
      }
      CHECK(message == "attempt " + std::to_string(attempts));
      CHECK(never.called_at.size() == static_cast<std::size_t>(attempts));
    }
  }());
}

TEST_CASE("delays grow by the factor, up to the longest, within the bounds of the jitter") {
  run_on<simulated>([]() -> weft::task<> {
    for (double const jitter : {0.0, 0.5, 1.0}) {
      CAPTURE(jitter);
      flaky last(8);
      co_await weft::retry(
          {.attempts = 8, .first_delay = 100ms, .factor = 3, .longest_delay = 5s, .jitter = jitter},
          [&] { return last(); });
      std::chrono::duration<double> whole = 100ms;
      bool differs = false;
      for (std::size_t i = 1; i < last.called_at.size(); ++i) {
        CAPTURE(i);
        std::chrono::duration<double> const waited = last.called_at[i] - last.called_at[i - 1];
        CHECK(waited >= whole * (1 - jitter) - 1us);
        CHECK(waited <= whole + 1ms);  // the attempt itself takes a moment
        differs = differs || waited < whole - 1ms;
        whole = std::min<std::chrono::duration<double>>(whole * 3, 5s);
      }
      CHECK(differs == (jitter > 0));
    }
  }());
}

TEST_CASE("delays without a longest one end at what the clock can hold") {
  run_on<simulated>([]() -> weft::task<> {
    weft::retry_options const options{
        .first_delay = 1h, .longest_delay = std::chrono::nanoseconds::max(), .jitter = 0};
    CHECK(weft::detail::retry_delay(options, 1000) == std::chrono::nanoseconds::max());
    co_return;
  }());
}

TEST_CASE("an exception that the predicate refuses is rethrown at once") {
  run_on<simulated>([]() -> weft::task<> {
    flaky never(100);
    auto const only_the_first = [](std::exception_ptr const& error) {
      try {
        std::rethrow_exception(error);
      } catch (std::runtime_error const& thrown) {
        return std::string(thrown.what()) == "attempt 1";
      }
    };
    CHECK_FALSE(co_await [&]() -> weft::task<bool> {
      try {
        co_await weft::retry({}, [&] { return never(); }, only_the_first);
      } catch (std::runtime_error const&) {
        co_return false;
      }
      co_return true;
    }());
    CHECK(never.called_at.size() == 2);
  }());
}

TEST_CASE("a cancellation is not retried, neither of the attempt nor between two") {
  run_on<simulated>([]() -> weft::task<> {
    int attempts = 0;
    bool ended = co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      co_await weft::retry({}, [&]() -> weft::task<> {
        ++attempts;
        scope.cancel();
        co_await weft::yield();
      });
    });
    CHECK_FALSE(ended);
    CHECK(attempts == 1);

    ended = co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      co_await weft::retry({}, [&]() -> weft::task<> {
        ++attempts;
        scope.cancel();
        throw std::runtime_error("then the pause is cancelled");
        co_return;
      });
    });
    CHECK_FALSE(ended);
    CHECK(attempts == 2);
  }());
}
