// Deadlines as functions that take the body.
#pragma once

#include <chrono>

#include "weft/detail/body.hpp"
#include "weft/detail/timer.hpp"
#include "weft/error.hpp"
#include "weft/time.hpp"

namespace weft::inline v0 {

namespace detail {

// A scope that cancels itself at a deadline.
class deadline_scope final : public entered_scope, private timer {
 public:
  deadline_scope(detail::chain& within, std::int64_t deadline) noexcept : entered_scope(within) {
    timer::start(*within.loop, deadline);
  }
  ~deadline_scope() { timer::stop(*chain().loop); }

  // Whether a cancellation that ended the body was this deadline's, and nobody else's.
  [[nodiscard]] bool ended_it() const noexcept { return fired_ && !parent()->cancelled(); }

 private:
  void fire() noexcept override {
    fired_ = true;
    cancel();
  }

  bool fired_ = false;
};

template <class Value, class Held>
task<Value> with_deadline(std::int64_t nanoseconds, bool from_now, Held body) {
  chain& within = running_chain("weft::with_timeout");
  deadline_scope scope(within, from_now ? deadline_after(*within.loop, nanoseconds) : nanoseconds);
  try {
    co_return co_await awaitable_of<Held>(body);
  } catch (cancelled const& cut_short) {
    if (!scope.ended_it()) throw;
    throw timed_out(cut_short.bytes_done());
  }
}

}  // namespace detail

// Runs the body and yields its value; when `timeout` passes first, cancels it, waits until it has
// ended and throws timed_out. A body that ends with a value or an error of its own in spite of the
// timeout has that delivered, so nothing is lost. A cancellation from outside throws cancelled.
template <class Rep, class Period, class Body>
auto with_timeout(std::chrono::duration<Rep, Period> timeout, Body&& body) {
  return detail::with_deadline<detail::body_value<Body>, detail::held_body<Body>>(
      detail::to_nanoseconds(timeout), true, std::forward<Body>(body));
}

// The same with an instant on the loop's clock.
template <class Body>
auto with_deadline(clock::time_point deadline, Body&& body) {
  return detail::with_deadline<detail::body_value<Body>, detail::held_body<Body>>(
      std::chrono::nanoseconds(deadline.time_since_epoch()).count(), false,
      std::forward<Body>(body));
}

}  // namespace weft::inline v0
