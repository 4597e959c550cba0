// Waiting for time. All of it is monotonic: changes of the wall clock move nothing. A timer fires
// no earlier than asked for, in the order of deadlines, and in the order of starting among equals.
#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "weft/detail/chain.hpp"
#include "weft/detail/timer.hpp"
#include "weft/task.hpp"

namespace weft::inline v0 {

using clock = std::chrono::steady_clock;

// The time on the clock of the running loop, read anew: CLOCK_MONOTONIC, or the virtual clock of a
// simulated backend. Only inside a task.
WEFT_API clock::time_point now() noexcept;

namespace detail {

class WEFT_API sleep_operation final : public awaitable_operation<sleep_operation, void>,
                                       private timer {
 public:
  enum class counted : bool { from_now, absolute };

  sleep_operation(std::int64_t nanoseconds, counted how) noexcept
      : awaitable_operation("sleep"), nanoseconds_(nanoseconds), counted_(how) {}

  bool start() noexcept;
  void value() const noexcept {}
  void cancel() noexcept override;
  [[nodiscard]] std::string describe() const override;

 private:
  void fire() noexcept override { complete(0); }

  std::int64_t nanoseconds_;
  counted counted_;
};

}  // namespace detail

// Resumes on this loop once `duration` has passed; zero and negative durations give way to what is
// ready. Durations that overflow the clock never end. Throws cancelled.
template <class Rep, class Period>
[[nodiscard]] detail::sleep_operation sleep_for(
    std::chrono::duration<Rep, Period> duration) noexcept {
  return {detail::to_nanoseconds(duration), detail::sleep_operation::counted::from_now};
}

// Resumes on this loop once its clock has reached `deadline`. Throws cancelled.
[[nodiscard]] inline detail::sleep_operation sleep_until(clock::time_point deadline) noexcept {
  return {std::chrono::nanoseconds(deadline.time_since_epoch()).count(),
          detail::sleep_operation::counted::absolute};
}

// What an interval does about the ticks that came while nobody waited.
enum class missed_ticks : unsigned char {
  skip,   // drop them and keep to the grid
  burst,  // deliver them one after another, at once
};

// A clock that ticks every `period`, counted from the first call of next().
class interval {
 public:
  template <class Rep, class Period>
  explicit interval(std::chrono::duration<Rep, Period> period,
                    missed_ticks missed = missed_ticks::skip)
      : period_(detail::to_nanoseconds(period)), missed_(missed) {
    if (period_ <= 0 || period_ == detail::never)
      throw std::invalid_argument("weft: an interval needs a positive, finite period");
  }

  // Waits for the next tick and yields the time it was due, which with skip is the latest one due.
  // Throws cancelled, which costs no tick.
  task<clock::time_point> next();

 private:
  std::int64_t period_;
  std::int64_t due_ = detail::never;  // of the next tick; never: not begun
  missed_ticks missed_;
};

inline task<clock::time_point> interval::next() {
  std::int64_t now = detail::clock_now(*detail::running_chain("interval").loop);
  if (due_ == detail::never) due_ = detail::later(now, period_);
  co_await detail::sleep_operation(due_, detail::sleep_operation::counted::absolute);
  now = detail::clock_now(*detail::running_chain("interval").loop);
  std::int64_t const whole_periods_late = (now - due_) / period_;
  if (missed_ == missed_ticks::skip) due_ += whole_periods_late * period_;
  std::int64_t const tick = due_;
  due_ = detail::later(due_, period_);
  co_return clock::time_point(std::chrono::nanoseconds(tick));
}

}  // namespace weft::inline v0
