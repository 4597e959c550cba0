// An entry in the loop's timers, embedded in whatever waits for the time: a sleep or a timeout.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::detail {

struct loop_core;

// Nanoseconds on the loop's clock; `never` is later than everything.
inline constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

class WEFT_API timer {
 public:
  timer() noexcept = default;
  timer(timer const&) = delete;
  timer& operator=(timer const&) = delete;

  // The deadline has passed; the timer is no longer pending. Called by the loop between resumes.
  virtual void fire() noexcept = 0;

  // Starts the timer. Equal deadlines fire in the order in which they were started.
  void start(loop_core& loop, std::int64_t deadline) noexcept;

  // Ends a pending timer; does nothing for one that is not pending.
  void stop(loop_core& loop) noexcept;

  [[nodiscard]] bool pending() const noexcept { return slot_ != no_slot; }
  [[nodiscard]] std::int64_t deadline() const noexcept { return deadline_; }

 protected:
  ~timer() = default;

 private:
  friend class timers;
  static constexpr std::uint16_t no_slot = 0xffff;

  std::int64_t deadline_ = 0;
  timer* next_ = nullptr;
  timer* previous_ = nullptr;
  std::uint16_t slot_ = no_slot;
};

// The time on the loop's clock, read anew.
WEFT_API std::int64_t clock_now(loop_core& loop) noexcept;

// Rounds a duration to nanoseconds; what does not fit is clamped, and NaN counts as zero.
template <class Rep, class Period>
constexpr std::int64_t to_nanoseconds(std::chrono::duration<Rep, Period> duration) noexcept {
  using std::chrono::duration_cast, std::chrono::nanoseconds, std::chrono::seconds;
  double const wide = std::chrono::duration<double, std::nano>(duration).count();
  if (wide >= 9.2e18) return never;
  if (!(wide > 0)) return 0;
  if constexpr (std::chrono::treat_as_floating_point_v<Rep>) {
    return static_cast<std::int64_t>(wide);
  } else {
    // Seconds first: for a period such as 1/90000 the way to nanoseconds begins with a
    // multiplication, which would overflow for the whole.
    auto const whole = duration_cast<seconds>(duration);
    return nanoseconds(whole).count() + duration_cast<nanoseconds>(duration - whole).count();
  }
}

// `nanoseconds` after an instant, or never when that overflows.
constexpr std::int64_t later(std::int64_t instant, std::int64_t nanoseconds) noexcept {
  return nanoseconds < never - instant ? instant + nanoseconds : never;
}

inline std::int64_t deadline_after(loop_core& loop, std::int64_t nanoseconds) noexcept {
  return later(clock_now(loop), nanoseconds);
}

}  // namespace weft::inline v0::detail
