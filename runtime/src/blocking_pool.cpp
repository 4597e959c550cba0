// Threads start when more operations are unfinished than there are threads, and stay until the loop
// ends.
#include "blocking_pool.hpp"

#include <pthread.h>

#include <csignal>
#include <system_error>

namespace weft::inline v0::detail {

blocking_pool::~blocking_pool() {
  {
    std::lock_guard const lock(mutex_);
    closing_ = true;
  }
  arrived_.notify_all();
  for (auto& thread : threads_) thread.join();
}

int blocking_pool::submit(io_operation& op) noexcept {
  jobs_.fetch_add(1, std::memory_order_relaxed);
  bool const more_threads = unfinished_.fetch_add(1, std::memory_order_relaxed) >= threads_.size();
  {
    std::lock_guard const lock(mutex_);
    queued_.push_back(op);
  }
  arrived_.notify_one();
  if (more_threads && threads_.size() < threads_max && !start_thread() && threads_.empty()) {
    withdraw(op);
    return -EAGAIN;
  }
  return 0;
}

bool blocking_pool::withdraw(io_operation& op) noexcept {
  std::lock_guard const lock(mutex_);
  // `stage` is written under the mutex by the thread that takes the operation.
  if (op.stage != 0) return false;
  queued_.remove(op);
  unfinished_.fetch_sub(1, std::memory_order_relaxed);
  jobs_.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

bool blocking_pool::start_thread() noexcept {
  // The program's signals are handled on threads of its own choice, never on ours.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = true;
  try {
    threads_.reserve(threads_.size() + 1);
    threads_.emplace_back([this] { work(); });
    ::pthread_setname_np(threads_.back().native_handle(), "weft-blocking");
  } catch (...) {  // std::system_error or std::bad_alloc: make do with the threads there are
    started = false;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

void blocking_pool::work() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!queued_.empty()) {
      auto& op = static_cast<io_operation&>(queued_.pop_front());
      op.stage = 1;
      lock.unlock();
      op.performed(op.perform());
      unfinished_.fetch_sub(1, std::memory_order_relaxed);  // the push makes it visible
      results_->push(op);                                   // from here on it is the loop's again
      jobs_.fetch_sub(1, std::memory_order_release);
      lock.lock();
      continue;
    }
    if (closing_) return;
    arrived_.wait(lock, [this] { return closing_ || !queued_.empty(); });
  }
}

}  // namespace weft::inline v0::detail
