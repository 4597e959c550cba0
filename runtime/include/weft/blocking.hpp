// blocking(fn): a call that blocks, on the loop's own small pool of threads.
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "weft/detail/io_operation.hpp"
#include "weft/detail/stored.hpp"

namespace weft::inline v0 {

namespace detail {

template <class Fn>
class blocking_operation final
    : public awaitable_operation<blocking_operation<Fn>, std::invoke_result_t<Fn&>, io_operation> {
  using value_t = std::invoke_result_t<Fn&>;

 public:
  explicit blocking_operation(Fn fn)
      : awaitable_operation<blocking_operation, value_t, io_operation>("blocking call", -1,
                                                                       interest::none),
        fn_(std::move(fn)) {}

  int perform() noexcept override {
    try {
      if constexpr (std::is_void_v<value_t>)
        fn_();
      else
        value_.emplace(fn_());
    } catch (...) {
      error_ = std::current_exception();
    }
    return 0;
  }

  value_t value() {
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    if constexpr (!std::is_void_v<value_t>) return std::move(*value_);
  }

  [[nodiscard]] std::string describe() const override { return this->name(); }

 private:
  Fn fn_;
  std::optional<stored<value_t>> value_;
  std::exception_ptr error_;
};

}  // namespace detail

// Calls `fn()` on a thread of the loop's blocking pool and yields its value, or throws what it
// threw; resumes on this loop. For calls that the kernel has no asynchronous form of; not for
// computation. Cancelled before it has begun, the call never runs and cancelled is thrown; once it
// runs it is awaited, because it may borrow from the awaiting coroutine.
template <std::invocable Fn>
[[nodiscard]] detail::blocking_operation<Fn> blocking(Fn fn) {
  return detail::blocking_operation<Fn>(std::move(fn));
}

}  // namespace weft::inline v0
