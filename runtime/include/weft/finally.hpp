// finally: asynchronous clean-up that runs whatever happened, since C++ can await neither in a
// destructor nor in a handler.
#pragma once

#include <chrono>

#include "weft/cancel.hpp"
#include "weft/timeout.hpp"

namespace weft::inline v0 {

namespace detail {

// Keeps an exception beside the one that is about to be rethrown (take_suppressed yields it).
WEFT_API void keep_suppressed(chain& within, std::exception_ptr error) noexcept;

template <class Value, class Held, class Cleanup>
task<Value> finally(Held body, Cleanup cleanup, std::chrono::nanoseconds limit) {
  maybe<Value> value{};
  std::exception_ptr error;
  try {
    if constexpr (std::is_void_v<Value>) {
      co_await awaitable_of<Held>(body);
    } else {
      value.emplace(co_await awaitable_of<Held>(body));
    }
  } catch (...) {
    error = std::current_exception();
  }
  try {
    co_await weft::shield(weft::with_timeout(limit, awaitable_of<Cleanup>(cleanup)));
  } catch (...) {
    if (!error) throw;
    keep_suppressed(running_chain("weft::finally"), std::current_exception());
  }
  if (error) std::rethrow_exception(error);
  if constexpr (!std::is_void_v<Value>) co_return std::move(*value);
}

}  // namespace detail

// Runs the body, then `cleanup`, shielded from cancellation and for at most `limit`; then yields
// the body's value or rethrows its exception (cancelled among them). When the clean-up fails too,
// the body's exception wins and the other is kept for take_suppressed(). A clean-up that runs into
// the limit is cancelled and counts as failed with timed_out.
template <class Body, detail::task_function Cleanup>
auto finally(Body&& body, Cleanup cleanup,
             std::chrono::nanoseconds limit = std::chrono::seconds(5)) {
  return detail::finally<detail::body_value<Body>, detail::held_body<Body>>(
      std::forward<Body>(body), std::move(cleanup), limit);
}

}  // namespace weft::inline v0
