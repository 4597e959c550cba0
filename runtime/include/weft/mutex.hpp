// mutex: mutual exclusion between tasks of one loop, across their suspensions.
#pragma once

#include <utility>

#include "weft/detail/waiting.hpp"

namespace weft::inline v0 {

class mutex;

// Holds a mutex until it is destroyed or unlocked.
class [[nodiscard]] scoped_lock {
 public:
  scoped_lock() noexcept = default;
  explicit scoped_lock(mutex& locked) noexcept : mutex_(&locked) {}
  scoped_lock(scoped_lock&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
  scoped_lock& operator=(scoped_lock other) noexcept {
    std::swap(mutex_, other.mutex_);
    return *this;
  }
  ~scoped_lock() { unlock(); }

  // Hands the mutex to the one who waits longest.
  inline void unlock() noexcept;

  [[nodiscard]] bool owns_lock() const noexcept { return mutex_ != nullptr; }

 private:
  mutex* mutex_ = nullptr;
};

// First come, first served; not recursive. Belongs to one loop's thread, allocates nothing, and
// must outlive its locks and waiters. For threads use std::mutex.
class mutex {
 public:
  mutex() noexcept = default;

  class lock_operation final : public detail::listed_operation<lock_operation, scoped_lock> {
   public:
    explicit lock_operation(mutex& locked) noexcept
        : listed_operation("mutex", locked.waiting_), mutex_(locked) {}
    bool start() noexcept { return !std::exchange(mutex_.locked_, true) || wait_in_line(); }
    scoped_lock value() noexcept { return scoped_lock(mutex_); }

   private:
    mutex& mutex_;
  };

  // Waits for the mutex and yields a lock of it. Throws cancelled, holding nothing.
  [[nodiscard]] lock_operation lock() noexcept { return lock_operation(*this); }

  // Yields an empty lock when the mutex is taken.
  [[nodiscard]] scoped_lock try_lock() noexcept {
    return std::exchange(locked_, true) ? scoped_lock() : scoped_lock(*this);
  }

  [[nodiscard]] bool is_locked() const noexcept { return locked_; }

 private:
  friend scoped_lock;

  void unlock() noexcept {
    if (waiting_.empty())
      locked_ = false;
    else
      detail::complete_front(waiting_);  // it stays locked, for the next
  }

  detail::waiter_list waiting_;
  bool locked_ = false;
};

inline void scoped_lock::unlock() noexcept {
  if (mutex_ != nullptr) std::exchange(mutex_, nullptr)->unlock();
}

}  // namespace weft::inline v0
