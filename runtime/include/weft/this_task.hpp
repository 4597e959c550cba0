// What a running task can ask of its surroundings: to give way, whether it should finish.
#pragma once

#include <string>
#include <string_view>

#include "weft/detail/chain.hpp"

namespace weft::inline v0 {

namespace detail {

class yield_operation final : public awaitable_operation<yield_operation, void> {
 public:
  yield_operation() noexcept : awaitable_operation("yield") {}

  bool start() noexcept {
    complete(0);
    return false;
  }
  void value() const noexcept {}
  void cancel() noexcept override {}  // never in flight: it is ready from the start
};

}  // namespace detail

// Lets everything else that is ready run first, then resumes here. Throws cancelled, so a long
// computation that yields now and then is cancellable.
[[nodiscard]] inline detail::yield_operation yield() noexcept { return {}; }

// True once someone advised the running task's scope, or one above it, to finish.
inline bool stop_requested() noexcept {
  return detail::running_chain("weft::stop_requested").scope->stop_requested();
}

// True once the next operation of the running task will throw cancelled.
inline bool cancel_requested() noexcept {
  return detail::running_chain("weft::cancel_requested").scope->cancelled();
}

// Names the running chain in dumps.
WEFT_API void name_this_task(std::string_view name);

}  // namespace weft::inline v0
