// semaphore: a number of permits that tasks of one loop share.
#pragma once

#include <cstddef>
#include <utility>

#include "weft/detail/waiting.hpp"

namespace weft::inline v0 {

class semaphore;

// Holds permits until it is destroyed or releases them.
class [[nodiscard]] permit {
 public:
  permit() noexcept = default;
  permit(semaphore& from, std::size_t count) noexcept : from_(&from), count_(count) {}
  permit(permit&& other) noexcept
      : from_(std::exchange(other.from_, nullptr)), count_(other.count_) {}
  permit& operator=(permit other) noexcept {
    std::swap(from_, other.from_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~permit() { release(); }

  inline void release() noexcept;

  explicit operator bool() const noexcept { return from_ != nullptr; }

 private:
  semaphore* from_ = nullptr;
  std::size_t count_ = 0;
};

// First come, first served: a large request at the front is not overtaken by small ones. Belongs to
// one loop's thread, allocates nothing, and must outlive its permits and waiters.
class semaphore {
 public:
  explicit semaphore(std::size_t permits) noexcept : available_(permits) {}

  class acquire_operation final : public detail::awaitable_operation<acquire_operation, permit> {
   public:
    acquire_operation(semaphore& from, std::size_t count) noexcept
        : awaitable_operation("semaphore"), from_(from), count_(count) {}

    bool start() noexcept {
      if (from_.waiting_.empty() && from_.take(count_)) return true;
      from_.waiting_.push_back(*this);
      return false;
    }
    permit value() noexcept { return permit(from_, count_); }

    void cancel() noexcept override {
      if (current_phase() != phase::waiting) return;
      from_.waiting_.remove(*this);
      complete(-ECANCELED);
      from_.serve();  // those behind may have waited for this one only
    }

   private:
    friend semaphore;
    semaphore& from_;
    std::size_t count_;
  };

  // Waits for `count` permits and yields them. Throws cancelled, holding none.
  [[nodiscard]] acquire_operation acquire(std::size_t count = 1) noexcept {
    return acquire_operation(*this, count);
  }

  // Yields an empty permit when it would have to wait.
  [[nodiscard]] permit try_acquire(std::size_t count = 1) noexcept {
    return waiting_.empty() && take(count) ? permit(*this, count) : permit();
  }

  // Adds permits: those of a permit that ended, or new ones.
  void release(std::size_t count = 1) noexcept {
    available_ += count;
    serve();
  }

  [[nodiscard]] std::size_t available() const noexcept { return available_; }

 private:
  bool take(std::size_t count) noexcept {
    if (available_ < count) return false;
    available_ -= count;
    return true;
  }

  void serve() noexcept {
    while (!waiting_.empty() && take(static_cast<acquire_operation&>(waiting_.front()).count_))
      detail::complete_front(waiting_);
  }

  detail::waiter_list waiting_;
  std::size_t available_;
};

inline void permit::release() noexcept {
  if (from_ != nullptr) std::exchange(from_, nullptr)->release(count_);
}

}  // namespace weft::inline v0
