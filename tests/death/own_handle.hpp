// What no user should write: an awaiter that lets a coroutine's handle out of the coroutine, so
// that others can destroy its frame behind the back of its owner.
#pragma once

#include <coroutine>

struct own_handle {
  using weft_awaiter = void;

  std::coroutine_handle<>& kept;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiting) const noexcept {
    kept = awaiting;
    return false;  // goes on at once
  }
  void await_resume() const noexcept {}
};
