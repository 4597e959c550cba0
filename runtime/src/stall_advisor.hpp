// The advisor: finds out when a chain holds its loop for too long, and who does what there.
//
// The loop numbers its resumes. A thread of the advisor's looks at the number now and then; when it
// stays the same for as long as the threshold, it asks for that resume and sends the loop's thread
// a signal, whose handler takes the stack. When the resume is over at last, the loop sees that it
// was asked for, and hands over what it knows of the chain. The thread makes a report of all this,
// since putting names to a stack is slow.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include <sys/types.h>

#include "stall_report.hpp"
#include "stall_signal.hpp"
#include "weft/detail/chain.hpp"

namespace weft::inline v0::detail {

class stall_advisor {
 public:
  // Of the loop that this thread has just made. Null when the threshold is zero; also when there is
  // no thread to be had for it, which is logged: a program is not to fail for want of advice.
  static std::unique_ptr<stall_advisor> start(loop_core& watched,
                                              std::chrono::nanoseconds threshold);

  stall_advisor(loop_core& watched, std::chrono::nanoseconds threshold);
  stall_advisor(stall_advisor const&) = delete;
  stall_advisor& operator=(stall_advisor const&) = delete;
  // Reports what there is left to say.
  ~stall_advisor();

  // Resumes what is ready, `most` at most, with the number of the resume up while it lasts; yields
  // how many there were.
  int run_ready(int most) noexcept;

  // What the handler of the signal calls, on the thread of the loop.
  void take_sample() noexcept;

 private:
  using moment = std::int64_t;  // nanoseconds on the monotonic clock

  // The handler must not look at a chain while it ends.
  static constexpr std::uint64_t ending = 1;

  // On the thread of the loop.
  void end_one(std::uint64_t number) noexcept;
  void hand_over(chain const* held, std::source_location spawned_at) noexcept;

  // On the thread of the advisor; the lock is that of mutex_.
  void watch() noexcept;
  void look(std::unique_lock<std::mutex>& lock);
  void look_for_stall(moment now);
  void forget() noexcept;
  void report(stall const& seen);
  void report_end(std::unique_lock<std::mutex>& lock);
  void report_going_on(std::unique_lock<std::mutex>& lock, moment now);
  [[nodiscard]] stall what_is_known(moment tick_began, moment end, thread_times by_then) const;
  [[nodiscard]] stack_sample const* sample() const noexcept;

  loop_core& loop_;
  moment const threshold_;
  std::chrono::nanoseconds const period_;
  pid_t const thread_id_;
  clockid_t processor_clock_{};
  stall_signal const handled_;

  // Twice the number of the resume that runs, and `ending` while its chain ends; 0 between ticks.
  std::atomic<std::uint64_t> running_{0};
  std::atomic<std::uint64_t> asked_{0};  // likewise: the one that is to be reported, or 0
  std::uint64_t last_ = 0;               // the loop's alone

  // Written by the handler for the resume that is asked for, once, and then left alone until
  // another is asked for.
  stack_sample sample_;
  std::atomic<std::uint64_t> sampled_{0};

  std::mutex mutex_;
  std::condition_variable changed_;
  bool ends_ = false;  // under the mutex, as the next
  std::optional<stall_end> handed_over_;

  // The thread's own.
  std::uint64_t seen_ = 0;  // what ran when it looked last
  moment first_seen_ = 0;   // since when
  moment before_ = 0;       // when it looked last and saw something else
  moment looked_ = 0;
  thread_times times_before_;  // what the loop's thread had done by first_seen_
  bool told_going_on_ = false;
  moment last_report_ = 0;
  left_out_stalls left_out_;

  std::thread thread_;
};

}  // namespace weft::inline v0::detail
