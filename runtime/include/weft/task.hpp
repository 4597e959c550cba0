// task<T>: a coroutine that yields one T. It is lazy (it starts when awaited or spawned), move-only
// and owned: there is no way to let one go unowned.
#pragma once

#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "weft/detail/chain.hpp"
#include "weft/detail/stored.hpp"

namespace weft::inline v0 {

template <class T>
class task;

namespace detail {

template <class T>
struct task_promise final : promise_base {
  static_assert(promised<T>, "weft: a task cannot yield an over-aligned value; yield a pointer");

  std::optional<stored<T>> value;

  task<T> get_return_object() noexcept;

  template <class Value = T>
    requires std::convertible_to<Value&&, T>
  void return_value(Value&& returned) {
    value.emplace(std::forward<Value>(returned));
  }

  T take() {
    if (error) [[unlikely]]
      std::rethrow_exception(std::exchange(error, nullptr));
    return std::move(*value);
  }
};

template <class T>
struct task_promise<T&> final : promise_base {
  T* value = nullptr;

  task<T&> get_return_object() noexcept;
  void return_value(T& returned) noexcept { value = std::addressof(returned); }

  T& take() {
    if (error) [[unlikely]]
      std::rethrow_exception(std::exchange(error, nullptr));
    return *value;
  }
};

template <>
struct task_promise<void> final : promise_base {
  task<void> get_return_object() noexcept;
  void return_void() const noexcept {}

  void take() {
    if (error) [[unlikely]]
      std::rethrow_exception(std::exchange(error, nullptr));
  }
};

template <class T>
class task_awaiter {
 public:
  using weft_awaiter = void;

  explicit task_awaiter(frame_owner frame) noexcept : frame_(frame.release()) {}
  task_awaiter(task_awaiter const&) = delete;
  task_awaiter& operator=(task_awaiter const&) = delete;

  // The frame has ended: one that is destroyed while it is awaited is released first.
  ~task_awaiter() {
    if (frame_ != nullptr) [[likely]]
      frame_->self().destroy();
  }

  [[nodiscard]] bool await_ready() const {
    if (frame_ == nullptr) [[unlikely]]
      throw std::logic_error("weft: co_await of an empty task (moved from, or awaited before)");
    return false;
  }

  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    WEFT_ASSERT_PROMISE(Promise);
    return frame_->enter_from(awaiting.promise(), frame_);
  }

  T await_resume() { return static_cast<task_promise<T>*>(frame_)->take(); }

 private:
  promise_base* frame_;
};

struct task_access;

}  // namespace detail

// `co_await std::move(t)`, or of a call's result, starts the task on the awaiting chain and yields
// its value or throws what it threw. Awaiting a task is no cancellation checkpoint. The awaiting
// coroutine resumes on its own loop's thread. Parameters taken by reference are borrowed until the
// task ends. Empty once awaited, spawned or moved from.
template <class T = void>
class [[nodiscard]] WEFT_TRIVIAL_ABI task {
 public:
  using promise_type = detail::task_promise<T>;
  using value_type = T;

  task() noexcept = default;
  task(task&&) noexcept = default;
  task& operator=(task&&) noexcept = default;
  task(task const&) = delete;  // so: co_await std::move(t)
  task& operator=(task const&) = delete;
  ~task() = default;

  // False when there is nothing to await.
  explicit operator bool() const noexcept { return frame_.get() != nullptr; }

  detail::task_awaiter<T> operator co_await() && noexcept {
    return detail::task_awaiter<T>(std::move(frame_));
  }

 private:
  friend promise_type;
  friend detail::task_access;

  explicit task(promise_type& promise) noexcept : frame_(promise) {}

  detail::frame_owner frame_;
};

namespace detail {

// For run and spawn, which start a task without awaiting it.
struct task_access {
  template <class T>
  static frame_owner release(task<T>&& started) noexcept {
    return std::move(started.frame_);
  }
};

template <class T>
task<T> task_promise<T>::get_return_object() noexcept {
  return task<T>(*this);
}

template <class T>
task<T&> task_promise<T&>::get_return_object() noexcept {
  return task<T&>(*this);
}

inline task<void> task_promise<void>::get_return_object() noexcept { return task<void>(*this); }

template <class T>
task_awaiter<T> promise_base::await_transform(task<T> awaited, std::source_location line) noexcept {
  where = line;
  return std::move(awaited).operator co_await();
}

template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<task<T>> = true;

// A function that takes `Args...` and returns a task.
template <class Fn, class... Args>
concept task_function = std::invocable<Fn&, Args...> && is_task<std::invoke_result_t<Fn&, Args...>>;

template <class Fn, class... Args>
using task_function_value = typename std::invoke_result_t<Fn&, Args...>::value_type;

}  // namespace detail
}  // namespace weft::inline v0
