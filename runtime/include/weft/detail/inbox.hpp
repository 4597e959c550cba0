// The thread-safe entrance to a loop: operations pushed by other threads (or a signal handler), in
// the order of pushing. A push costs a system call only when the loop is asleep. The inbox is
// shared and outlives the loop, so a late push is refused, never lost in freed memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "weft/detail/operation.hpp"

namespace weft::inline v0::detail {

struct loop_core;

// Who must know that the loop has ended, because threads may wait for it.
class WEFT_API loop_end_listener {
 public:
  virtual void loop_ended() noexcept = 0;

 protected:
  ~loop_end_listener() = default;
};

class WEFT_API inbox {
 public:
  inbox();
  ~inbox();
  inbox(inbox const&) = delete;
  inbox& operator=(inbox const&) = delete;

  // Any thread; async-signal-safe. False when the loop is gone: the operation stays the caller's.
  bool push(operation& op) noexcept;

  // Any thread: makes a sleeping loop go round once.
  void wake() noexcept;

  // Remote handles keep the loop alive: with none, and nothing else alive, waiting is a deadlock.
  void add_remote() noexcept { remotes_.fetch_add(1, std::memory_order_relaxed); }
  void drop_remote() noexcept;
  [[nodiscard]] bool has_remotes() const noexcept {
    return remotes_.load(std::memory_order_acquire) != 0;
  }

  // The rest is for the loop's thread.

  [[nodiscard]] bool has_arrivals() const noexcept {
    return newest_.load(std::memory_order_relaxed) != nullptr;
  }

  // Moves all that has arrived to the ready queue.
  void drain(loop_core& into) noexcept;

  // Announces sleep; false when something has arrived, and the loop must not sleep.
  [[nodiscard]] bool fall_asleep() noexcept;
  void awake() noexcept { asleep_.store(false, std::memory_order_relaxed); }

  // Readable when the loop was woken.
  [[nodiscard]] int wake_descriptor() const noexcept { return event_; }
  void clear_wake() noexcept;

  void tell_end_to(std::weak_ptr<loop_end_listener> listener);

  // Refuses further pushes, having drained what came before, and tells the listeners.
  void close(loop_core& into) noexcept;

 private:
  std::atomic<operation*> newest_{nullptr};  // linked through `next`, newest first
  std::atomic<bool> asleep_{false};
  std::atomic<std::size_t> remotes_{0};
  int event_;
  std::vector<std::weak_ptr<loop_end_listener>> listeners_;
};

// The inbox of the loop that runs on this thread.
WEFT_API std::shared_ptr<inbox> inbox_of_running_loop();

}  // namespace weft::inline v0::detail
