// The loop's pending timers: a hierarchical wheel with one-nanosecond resolution, so that the order
// is exact. Starting and stopping are O(1); a timer moves down at most ten levels in its life.
//
// A timer sits at the level of the highest 6-bit digit in which its deadline differs from
// `reached_`, in the slot of that digit. As time reaches a slot, its timers are placed anew, lower.
// Timers with equal deadlines always share a slot, and every move keeps their order, so they fire
// in the order in which they were started.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "weft/detail/timer.hpp"

namespace weft::inline v0::detail {

class timers {
 public:
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }

  void start(timer& started, std::int64_t deadline) noexcept;
  void stop(timer& stopped) noexcept;

  // Fires every timer whose deadline is not after `now`, in order. Timers started by a firing one
  // with a deadline that has passed fire in the same call.
  void expire(std::int64_t now) noexcept {
    if (count_ != 0)
      fire_until(now);
    else if (reached_ < now)
      reached_ = now;
  }

  // When to call expire next: never after the earliest deadline, and before it only if a timer was
  // stopped. `never` when nothing is pending.
  [[nodiscard]] std::int64_t next() const noexcept { return count_ != 0 ? lower_bound() : never; }

 private:
  static constexpr unsigned digit_bits = 6;
  static constexpr unsigned slots = 1u << digit_bits;
  static constexpr unsigned levels = 11;  // 66 bits hold any deadline

  struct slot {
    timer* first = nullptr;
    timer* last = nullptr;
    std::int64_t earliest = never;  // a lower bound of the deadlines; exact unless one was stopped
  };

  struct place {
    unsigned level;
    unsigned digit;
  };

  [[nodiscard]] place place_of(std::int64_t deadline) const noexcept;
  [[nodiscard]] bool lowest(place& found) const noexcept;
  [[nodiscard]] slot& at(place where) noexcept { return wheel_[where.level * slots + where.digit]; }
  [[nodiscard]] std::int64_t lower_bound() const noexcept;
  void fire_until(std::int64_t now) noexcept;
  void link(timer& linked) noexcept;
  void unlink(timer& unlinked) noexcept;
  void place_anew(place where, std::int64_t reached) noexcept;

  std::array<slot, static_cast<std::size_t>(levels) * slots> wheel_;
  std::array<std::uint64_t, levels> occupied_{};  // a bit for each slot that has timers
  std::int64_t reached_ = 0;                      // no pending deadline is before it
  std::size_t count_ = 0;
};

}  // namespace weft::inline v0::detail
