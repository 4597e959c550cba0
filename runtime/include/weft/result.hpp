// result<T>: a value, or the std::error_code in its place. as_result turns an operation or a task
// into one that yields its result instead of throwing std::system_error.
#pragma once

#include <concepts>
#include <coroutine>
#include <memory>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

#include "weft/detail/stored.hpp"
#include "weft/error.hpp"
#include "weft/task.hpp"

namespace weft::inline v0 {

template <class T>
class [[nodiscard]] result {
 public:
  using value_type = T;

  // A plain std::error_code is the error, also where T is that type; std::in_place marks a value.
  result(T value)
    requires(!std::is_same_v<std::remove_cv_t<T>, std::error_code>)
      : result(std::in_place, std::forward<T>(value)) {}
  result(std::error_code error) noexcept : error_(error) {}
  result(std::in_place_t, T value) : value_(std::forward<T>(value)) {}

  [[nodiscard]] bool has_value() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }

  // The value; throws std::system_error with the error when there is none.
  T& value() & {
    check();
    return *value_;
  }
  T const& value() const& {
    check();
    return *value_;
  }
  T value() && {
    check();
    return std::move(*value_);
  }

  // The value, which must be there.
  T& operator*() & noexcept { return *value_; }
  T const& operator*() const& noexcept { return *value_; }
  auto operator->() noexcept { return std::addressof(**this); }
  auto operator->() const noexcept { return std::addressof(**this); }

  // The error; a default-constructed code when there is a value.
  [[nodiscard]] std::error_code error() const noexcept { return error_; }

  template <class U>
  T value_or(U&& otherwise) const {
    if (value_) return *value_;
    return static_cast<T>(std::forward<U>(otherwise));
  }

 private:
  void check() const {
    if (!value_) throw std::system_error(error_);
  }

  std::optional<detail::stored<T>> value_;
  std::error_code error_;
};

template <>
class [[nodiscard]] result<void> {
 public:
  using value_type = void;

  result() noexcept = default;
  result(std::error_code error) noexcept : error_(error) {}

  [[nodiscard]] bool has_value() const noexcept { return !error_; }
  explicit operator bool() const noexcept { return has_value(); }
  void value() const {
    if (error_) throw std::system_error(error_);
  }
  [[nodiscard]] std::error_code error() const noexcept { return error_; }

 private:
  std::error_code error_;
};

namespace detail {

// Forwards to an operation and reads its raw result, so that a failure costs no exception.
template <class Operation>
class operation_result {
 public:
  using weft_awaiter = void;

  explicit operation_result(Operation& op) noexcept : op_(op) {}

  [[nodiscard]] bool await_ready() const noexcept { return op_.await_ready(); }

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    return op_.await_suspend(awaiting);
  }

  result<typename Operation::value_type> await_resume() {
    if (int const raw = op_.result(); raw < 0 && !op_.ended_by_cancellation())
      return std::error_code(-raw, std::system_category());
    if constexpr (std::is_void_v<typename Operation::value_type>) {
      op_.await_resume();
      return {};
    } else {
      return {std::in_place, op_.await_resume()};
    }
  }

 private:
  Operation& op_;
};

}  // namespace detail

// Yields the operation's value or its error code. Throws cancelled as the operation does. Borrows
// the operation: use it in the expression that awaits it.
template <class Operation>
  requires std::derived_from<Operation, detail::operation>
detail::operation_result<Operation> as_result(Operation&& op) noexcept {
  return detail::operation_result<Operation>(op);
}

// Yields the task's value, or the code of the std::system_error it threw. Everything else, and
// cancelled, is thrown as before.
template <class T>
task<result<T>> as_result(task<T> body) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(body);
      co_return result<void>();
    } else {
      co_return result<T>(std::in_place, co_await std::move(body));
    }
  } catch (std::system_error const& error) {
    co_return error.code();
  }
}

}  // namespace weft::inline v0
