// outcome<T>: how a task ended: with a value, with an exception, or cancelled.
#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "weft/error.hpp"
#include "weft/task.hpp"

namespace weft::inline v0 {

template <class T>
class outcome {
 public:
  using value_type = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

  // Cancelled, before it had anything.
  outcome() noexcept = default;
  explicit outcome(value_type value) : value_(std::move(value)) {}
  explicit outcome(std::exception_ptr error) noexcept : error_(std::move(error)) {}

  [[nodiscard]] bool has_value() const noexcept { return value_.has_value(); }
  [[nodiscard]] bool was_cancelled() const noexcept { return !value_ && !error_; }
  [[nodiscard]] std::exception_ptr const& error() const noexcept { return error_; }

  // The value; throws the exception, or cancelled.
  value_type& value() & {
    check();
    return *value_;
  }
  value_type value() && {
    check();
    return std::move(*value_);
  }

 private:
  void check() const {
    if (error_) std::rethrow_exception(error_);
    if (!value_) throw cancelled();
  }

  std::optional<value_type> value_;
  std::exception_ptr error_;
};

namespace detail {

// Runs a task to its end, whatever the end is. Only as the last thing of a chain: it swallows
// cancelled.
template <class T>
task<outcome<T>> outcome_of(task<T> body) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(body);
      co_return outcome<T>(std::monostate{});
    } else {
      co_return outcome<T>(co_await std::move(body));
    }
  } catch (cancelled const&) {
    co_return outcome<T>();
  } catch (...) {
    co_return outcome<T>(std::current_exception());
  }
}

}  // namespace detail
}  // namespace weft::inline v0
