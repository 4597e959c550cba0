// An operation that waits in a list of waiters on this loop, and leaves it when cancelled. Events,
// mutexes and semaphores are made of it.
#pragma once

#include "weft/detail/chain.hpp"

namespace weft::inline v0::detail {

template <class Derived, class T>
class listed_operation : public awaitable_operation<Derived, T> {
 public:
  listed_operation(char const* name, waiter_list& list) noexcept
      : awaitable_operation<Derived, T>(name), list_(list) {}

  void cancel() noexcept override {
    if (this->current_phase() != operation::phase::waiting) return;
    list_.remove(*this);
    this->complete(-ECANCELED);
  }

 protected:
  ~listed_operation() = default;

  // Joins the end of the list; for start().
  bool wait_in_line() noexcept {
    list_.push_back(*this);
    return false;
  }

 private:
  waiter_list& list_;
};

// Completes the first waiter of a list.
inline void complete_front(waiter_list& list, int result = 0) noexcept {
  list.pop_front().complete(result);
}

}  // namespace weft::inline v0::detail
