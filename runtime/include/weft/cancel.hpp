// Cancellation as functions that take the body: make a region cancellable, shield one, end one when
// the program should stop. Each takes a task, a function that returns one (kept alive until the
// end) or an operation (borrowed: await it in the same expression). The body runs on the caller's
// chain.
#pragma once

#include "weft/cancel_scope.hpp"
#include "weft/detail/body.hpp"
#include "weft/error.hpp"
#include "weft/task.hpp"

namespace weft::inline v0 {

// Runs `body(scope)` in a scope of its own, which anyone on this loop may cancel while the body
// runs. Yields std::optional of its value, empty when scope.cancel() ended it; for task<void>, true
// unless it was so ended. A cancellation from outside throws cancelled.
template <detail::task_function<cancel_scope&> Fn>
task<detail::maybe<detail::task_function_value<Fn, cancel_scope&>>> cancellable(Fn body) {
  detail::entered_scope scope(detail::running_chain("weft::cancellable"));
  try {
    if constexpr (std::is_void_v<detail::task_function_value<Fn, cancel_scope&>>) {
      co_await body(scope);
      co_return true;
    } else {
      co_return co_await body(scope);
    }
  } catch (cancelled const&) {
    if (!scope.cancel_requested() || scope.parent()->cancelled()) throw;
  }
  co_return {};
}

namespace detail {

template <class Value, class Held>
task<maybe<Value>> until_stop(Held body) {
  struct stoppable_scope : entered_scope {
    explicit stoppable_scope(detail::chain& within) noexcept : entered_scope(within) {
      cancel_on_stop();
      ++within.loop->until_stop;
    }
    ~stoppable_scope() { --chain().loop->until_stop; }
  } scope(running_chain("weft::until_stop"));
  if (scope.stop_requested()) scope.cancel();
  try {
    if constexpr (std::is_void_v<Value>) {
      co_await awaitable_of<Held>(body);
      co_return true;
    } else {
      co_return co_await awaitable_of<Held>(body);
    }
  } catch (cancelled const&) {
    if (!scope.cancel_requested() || scope.parent()->cancelled()) throw;
  }
  co_return {};
}

template <class Value, class Held>
task<Value> shield(Held body) {
  entered_scope scope(running_chain("weft::shield"));
  scope.shield();
  co_return co_await awaitable_of<Held>(body);
}

}  // namespace detail

// Runs the body until it ends or a stop is requested, whichever comes first; a stop cancels it.
// Yields as cancellable does: empty, or false, when the stop ended it.
template <class Body>
auto until_stop(Body&& body) {
  return detail::until_stop<detail::body_value<Body>, detail::held_body<Body>>(
      std::forward<Body>(body));
}

// Runs the body where no cancellation from outside reaches it, and yields its value. The caller is
// cancelled at its next operation instead. Put a deadline inside: nothing else ends a shielded
// wait.
template <class Body>
auto shield(Body&& body) {
  return detail::shield<detail::body_value<Body>, detail::held_body<Body>>(
      std::forward<Body>(body));
}

}  // namespace weft::inline v0
