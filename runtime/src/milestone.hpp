// Something that is reached once, on whatever thread, and awaited by tasks of any loop: the end of
// a thread, the start of a process.
#pragma once

#include <atomic>
#include <cerrno>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "weft/detail/chain.hpp"
#include "weft/detail/inbox.hpp"

namespace weft::inline v0::detail {

class milestone {
 public:
  // Acquire pairs with the release in reach(): what was written before is visible.
  [[nodiscard]] bool reached() const noexcept { return reached_.load(std::memory_order_acquire); }

  void reach() noexcept {
    std::lock_guard const lock(mutex_);
    reached_.store(true, std::memory_order_release);
    // One whose loop has ended stays, for unwatch.
    std::erase_if(watchers_, [](watcher const& one) { return one.home->push(*one.watching); });
  }

  // Pushes the operation into the inbox when it is reached; false when it has been, and nothing is
  // pushed.
  bool watch(operation& watching, std::shared_ptr<inbox> home) {
    std::lock_guard const lock(mutex_);
    if (reached()) return false;
    watchers_.push_back({&watching, std::move(home)});
    return true;
  }

  // True when the operation was waiting still, and is the caller's again.
  bool unwatch(operation& watching) noexcept {
    std::lock_guard const lock(mutex_);
    return std::erase_if(watchers_, [&](auto const& one) { return one.watching == &watching; }) !=
           0;
  }

 private:
  struct watcher {
    operation* watching;
    std::shared_ptr<inbox> home;
  };

  std::mutex mutex_;
  std::atomic<bool> reached_{false};
  std::vector<watcher> watchers_;
};

// Waits for one, which it keeps. Cancelled, it only stops waiting.
class milestone_wait final : public awaitable_operation<milestone_wait, void> {
 public:
  milestone_wait(char const* name, std::shared_ptr<milestone> wanted)
      : awaitable_operation(name), wanted_(std::move(wanted)) {}
  milestone_wait(milestone_wait const&) = delete;
  milestone_wait& operator=(milestone_wait const&) = delete;
  ~milestone_wait() {
    if (home_) home_->drop_remote();
  }

  bool start() {
    result_ = 0;
    home_ = inbox_of_running_loop();
    home_->add_remote();
    return !wanted_->watch(*this, home_);
  }

  void cancel() noexcept override {
    if (current_phase() == phase::waiting && wanted_->unwatch(*this)) complete(-ECANCELED);
  }

  void value() const noexcept {}

 private:
  std::shared_ptr<milestone> wanted_;
  std::shared_ptr<inbox> home_;
};

}  // namespace weft::inline v0::detail
