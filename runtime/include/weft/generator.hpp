// generator<T>: an asynchronous sequence. Its body may await anything and hands out each value with
// co_yield; it runs only while next() is awaited, on the chain of whoever awaits.
#pragma once

#include <concepts>
#include <optional>
#include <utility>

#include "weft/detail/chain.hpp"
#include "weft/detail/stored.hpp"

namespace weft::inline v0 {

template <class T>
class generator;

namespace detail {

template <class T>
struct generator_promise final : promise_base {
  static_assert(promised<T>, "weft: a generator cannot yield an over-aligned value");

  std::optional<stored<T>> yielded;

  generator<T> get_return_object() noexcept;
  void return_void() const noexcept {}

  // Hands control back to the one who awaits next().
  struct yield_awaiter {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(
        std::coroutine_handle<generator_promise> yielding) const noexcept {
      return yielding.promise().leave();
    }
    void await_resume() const noexcept {}
  };

  template <class Value = T>
    requires std::convertible_to<Value&&, T>
  yield_awaiter yield_value(Value&& value) {
    yielded.emplace(std::forward<Value>(value));
    return {};
  }
};

// Aborts in a debug build, throws std::logic_error in a release build.
[[noreturn]] WEFT_API void refuse_second_next();

template <class T>
class next_awaiter {
 public:
  using weft_awaiter = void;

  explicit next_awaiter(frame_owner& frame) noexcept : frame_(frame) {}

  [[nodiscard]] bool await_ready() const {
    if (frame_.get() == nullptr || frame_.get()->self().done()) return true;
    if (frame_.get()->within != nullptr) [[unlikely]]
      refuse_second_next();
    return false;
  }

  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    WEFT_ASSERT_PROMISE(Promise);
    promise().yielded.reset();
    return promise().enter_from(awaiting.promise(), frame_.place());
  }

  std::optional<stored<T>> await_resume() {
    if (frame_.get() == nullptr) return std::nullopt;
    if (promise().error) std::rethrow_exception(std::exchange(promise().error, nullptr));
    return std::exchange(promise().yielded, std::nullopt);
  }

 private:
  generator_promise<T>& promise() const noexcept {
    return static_cast<generator_promise<T>&>(*frame_.get());
  }

  frame_owner& frame_;
};

}  // namespace detail

// Lazy and move-only. References are handed out as std::reference_wrapper. Destroying one that has
// not ended is fine between two calls of next(): nothing is in flight at a co_yield, and the locals
// of its body are destroyed.
template <class T>
class [[nodiscard]] generator {
 public:
  using promise_type = detail::generator_promise<T>;
  using value_type = T;

  generator() noexcept = default;

  // Runs the body to its next co_yield and yields the value; nullopt once the body has ended. What
  // the body throws is thrown here, once, and ends it. One task at a time: a second one that awaits
  // meanwhile aborts in a debug build and gets std::logic_error in a release build. The generator
  // must not be moved meanwhile.
  [[nodiscard]] detail::next_awaiter<T> next() noexcept { return detail::next_awaiter<T>(frame_); }

 private:
  friend promise_type;
  explicit generator(promise_type& promise) noexcept : frame_(promise) {}

  detail::frame_owner frame_;
};

namespace detail {

template <class T>
generator<T> generator_promise<T>::get_return_object() noexcept {
  return generator<T>(*this);
}

}  // namespace detail
}  // namespace weft::inline v0
