// event: a flag that tasks of one loop wait for.
#pragma once

#include "weft/detail/waiting.hpp"

namespace weft::inline v0 {

// Manual-reset: once set it stays set, and waiting completes inline, until reset. Belongs to one
// loop's thread; nothing here allocates. Must outlive its waiters.
class event {
 public:
  event() noexcept = default;

  class wait_operation final : public detail::listed_operation<wait_operation, void> {
   public:
    explicit wait_operation(event& awaited) noexcept
        : listed_operation("event", awaited.waiting_), event_(awaited) {}
    bool start() noexcept { return event_.set_ || wait_in_line(); }
    void value() const noexcept {}

   private:
    event& event_;
  };

  // Waits until the event is set. Throws cancelled.
  [[nodiscard]] wait_operation wait() noexcept { return wait_operation(*this); }

  // Resumes all who wait, in the order they came, on the next tick.
  void set() noexcept {
    set_ = true;
    while (!waiting_.empty()) detail::complete_front(waiting_);
  }

  void reset() noexcept { set_ = false; }

  [[nodiscard]] bool is_set() const noexcept { return set_; }

 private:
  detail::waiter_list waiting_;
  bool set_ = false;
};

}  // namespace weft::inline v0
