// outcome<T>: how a task ended: with a value, with an exception, or cancelled.
#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "weft/detail/stored.hpp"
#include "weft/error.hpp"
#include "weft/task.hpp"

namespace weft::inline v0 {

template <class T>
class outcome;

namespace detail {
template <class T>
task<> run_to_its_end(task<T> body, outcome<T>& ended);
}

template <class T>
class outcome {
 public:
  using value_type = detail::stored<T>;  // std::monostate for void, reference_wrapper<X> for X&

  // Cancelled, before it had anything.
  outcome() noexcept = default;

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
  friend task<> detail::run_to_its_end<T>(task<T> body, outcome& ended);

  void check() const {
    if (error_) std::rethrow_exception(error_);
    if (!value_) throw cancelled();
  }

  std::optional<value_type> value_;
  std::exception_ptr error_;
};

namespace detail {

// Runs a task to its end, whatever the end is, and notes it. Only as the last thing of a chain: it
// swallows cancelled.
template <class T>
task<> run_to_its_end(task<T> body, outcome<T>& ended) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(body);
      ended.value_.emplace();
    } else {
      ended.value_.emplace(co_await std::move(body));
    }
  } catch (cancelled const&) {  // as noted from the start
  } catch (...) {
    ended.error_ = std::current_exception();
  }
}

}  // namespace detail
}  // namespace weft::inline v0
