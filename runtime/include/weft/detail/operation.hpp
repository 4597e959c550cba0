// An operation is one request in flight: a sleep, a read, a place in a mutex's queue. It lives in
// the awaiter, so in the frame of the coroutine that waits, and is pinned there. Whatever completes
// it only puts it on the loop's ready queue; the loop alone resumes coroutines.
#pragma once

#include <coroutine>
#include <cstdint>
#include <string>
#include <utility>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::detail {

struct promise_base;

class WEFT_API operation {
 public:
  // idle: not begun, or already resumed. waiting: in flight. ready: completed, on the ready queue.
  enum class phase : std::uint8_t { idle, waiting, ready };

  explicit operation(char const* name) noexcept : name_(name) {}
  operation(operation const&) = delete;
  operation& operator=(operation const&) = delete;

  // Asks a waiting operation to end. It still completes through the ready queue, with -ECANCELED
  // or, when it had succeeded already, with its result.
  virtual void cancel() noexcept = 0;

  // Called by the loop in place of resuming a coroutine when nobody awaits the operation.
  virtual void run() noexcept {}

  // What is waited for, to be read by people: "read fd 5".
  [[nodiscard]] virtual std::string describe() const { return name_; }

  // Ends a waiting operation: records `result` (a value, or -errno) and makes it ready. To be
  // called on the thread of the loop only; anything else aborts.
  void complete(int result) noexcept;

  // For an operation that nobody awaits: it is in flight, or it is not any more.
  void begin_unawaited() noexcept { phase_ = phase::waiting; }
  void end_unawaited() noexcept { phase_ = phase::idle; }

  [[nodiscard]] char const* name() const noexcept { return name_; }
  [[nodiscard]] int result() const noexcept { return result_; }

  // Whether it ended because its scope was cancelled. ECANCELED alone may have other causes, such
  // as the closing of the descriptor.
  [[nodiscard]] bool ended_by_cancellation() const noexcept;
  [[nodiscard]] phase current_phase() const noexcept { return phase_; }

  // The link in whichever queue holds the operation: the ready queue, a waiter list, the inbox.
  operation* next = nullptr;
  operation* previous = nullptr;

  // Who is resumed; null when run() is to be called.
  promise_base* awaiting = nullptr;

 protected:
  ~operation() {
    if (phase_ != phase::idle) [[unlikely]]
      abort_destroyed_in_flight();
  }

  // Throws what a failed operation means: cancelled, or std::system_error with name and object.
  [[noreturn]] void fail() const;

 private:
  friend struct loop_core;
  friend bool suspend(operation& op, promise_base& promise, bool checkpoint) noexcept;
  template <class Derived, class T, class Base>
  friend class awaitable_operation;

  [[noreturn]] void abort_destroyed_in_flight() const noexcept;

  char const* name_;

 protected:
  int result_ = 0;

 private:
  phase phase_ = phase::idle;

 public:
  // For the one who carries the operation out (a backend, the blocking pool) to note how far it is.
  std::uint8_t stage = 0;
};

// The ready queue: first in, first out, linked through the operations themselves.
class ready_queue {
 public:
  [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }

  void push(operation& op) noexcept {
    op.next = nullptr;
    *tail_ = &op;
    tail_ = &op.next;
  }

  operation& pop() noexcept {
    operation& op = *head_;
    head_ = op.next;
    if (head_ == nullptr) tail_ = &head_;
    return op;
  }

 private:
  operation* head_ = nullptr;
  operation** tail_ = &head_;
};

// Operations that wait for one thing, in the order they came; any of them can leave at any time.
class WEFT_API waiter_list {
 public:
  waiter_list() noexcept = default;
  waiter_list(waiter_list const&) = delete;
  waiter_list& operator=(waiter_list const&) = delete;
  ~waiter_list() {
    if (head_ != nullptr) [[unlikely]]
      abort_abandoned(*head_);
  }

  [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }
  [[nodiscard]] operation& front() const noexcept { return *head_; }

  void push_back(operation& op) noexcept {
    op.next = nullptr;
    op.previous = tail_;
    (tail_ != nullptr ? tail_->next : head_) = &op;
    tail_ = &op;
  }

  void remove(operation& op) noexcept {
    (op.previous != nullptr ? op.previous->next : head_) = op.next;
    (op.next != nullptr ? op.next->previous : tail_) = op.previous;
  }

  operation& pop_front() noexcept {
    operation& op = *head_;
    remove(op);
    return op;
  }

  // Takes over all of another list, behind what is here.
  void append(waiter_list& other) noexcept {
    if (other.head_ == nullptr) return;
    other.head_->previous = tail_;
    (tail_ != nullptr ? tail_->next : head_) = other.head_;
    tail_ = std::exchange(other.tail_, nullptr);
    other.head_ = nullptr;
  }

 private:
  [[noreturn]] static void abort_abandoned(operation const& waiting) noexcept;

  operation* head_ = nullptr;
  operation* tail_ = nullptr;
};

}  // namespace weft::inline v0::detail
