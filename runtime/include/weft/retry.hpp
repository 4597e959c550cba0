// retry: a failing task again and again, with exponential back-off and jitter.
#pragma once

#include <chrono>
#include <cmath>
#include <concepts>
#include <exception>
#include <utility>

#include "weft/detail/timer.hpp"
#include "weft/error.hpp"
#include "weft/time.hpp"

namespace weft::inline v0 {

struct retry_options {
  int attempts = 5;  // in all, the first among them
  std::chrono::nanoseconds first_delay = std::chrono::milliseconds(100);
  double factor = 2;  // each delay is this much longer than the one before
  std::chrono::nanoseconds longest_delay = std::chrono::seconds(30);
  double jitter = 0.5;  // the share of each delay that is random: 0 none, 1 all of it
};

namespace detail {

// Uniform in [0, 1), from the backend of the running loop, which a simulation repeats.
WEFT_API double random_unit() noexcept;

inline std::chrono::nanoseconds retry_delay(retry_options const& options, int failures) {
  double const longest = static_cast<double>(options.longest_delay.count());
  double const plain =
      static_cast<double>(options.first_delay.count()) * std::pow(options.factor, failures - 1);
  double const delay = plain < longest ? plain : longest;
  std::chrono::duration<double, std::nano> const jittered(delay *
                                                          (1 - options.jitter * random_unit()));
  return std::chrono::nanoseconds(to_nanoseconds(jittered));
}

}  // namespace detail

// Calls `attempt()` and awaits the task it returns until one succeeds, and yields its value.
// Between attempts it sleeps, jittered so that many clients do not come back at once. Rethrows the
// last exception when the attempts are used up, or at once when `again(exception)` says no.
// Cancelled is never retried.
template <detail::task_function Fn, std::predicate<std::exception_ptr> Again>
task<detail::task_function_value<Fn>> retry(retry_options options, Fn attempt, Again again) {
  for (int failures = 1;; ++failures) {
    try {
      co_return co_await attempt();
    } catch (cancelled const&) {
      throw;
    } catch (...) {
      if (failures >= options.attempts || !again(std::current_exception())) throw;
    }
    co_await sleep_for(detail::retry_delay(options, failures));
  }
}

template <detail::task_function Fn>
auto retry(retry_options options, Fn attempt) {
  return retry(options, std::move(attempt), [](std::exception_ptr const&) { return true; });
}

}  // namespace weft::inline v0
