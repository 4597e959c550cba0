// Threads start when more operations are unfinished than there are threads, and stay until the loop
// ends.
#include "blocking_pool.hpp"

#include <pthread.h>

#include <system_error>

#include "signals_blocked.hpp"

namespace weft::inline v0::detail {

namespace {

// What an operation's `stage` says here; under the mutex.
enum : std::uint8_t { stage_queued, stage_performing, stage_abandoned, stage_performed };

}  // namespace

blocking_pool::~blocking_pool() {
  bool left_behind = false;
  {
    std::unique_lock lock(shared_->mutex);
    shared_->closing = true;
    shared_->arrived.notify_all();
    shared_->ended.wait(lock, [this] { return shared_->performing == shared_->abandoned; });
    left_behind = shared_->abandoned != 0;
  }
  for (auto& thread : threads_) {
    if (left_behind)
      thread.detach();
    else
      thread.join();
  }
}

int blocking_pool::submit(io_operation& op) noexcept {
  shared_->jobs.fetch_add(1, std::memory_order_relaxed);
  bool const more_threads =
      shared_->unfinished.fetch_add(1, std::memory_order_relaxed) >= threads_.size();
  {
    std::lock_guard const lock(shared_->mutex);
    shared_->queued.push_back(op);
  }
  shared_->arrived.notify_one();
  if (more_threads && threads_.size() < threads_max && !start_thread() && threads_.empty()) {
    withdraw(op);
    return -EAGAIN;
  }
  return 0;
}

bool blocking_pool::withdraw(io_operation& op) noexcept {
  std::lock_guard const lock(shared_->mutex);
  if (op.stage != stage_queued) return false;
  shared_->queued.remove(op);
  shared_->unfinished.fetch_sub(1, std::memory_order_relaxed);
  shared_->jobs.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

bool blocking_pool::start_thread() noexcept {
  signals_blocked const blocked;
  try {
    threads_.reserve(threads_.size() + 1);
    threads_.emplace_back([shared = shared_] { shared->work(); });
    ::pthread_setname_np(threads_.back().native_handle(), "weft-blocking");
    return true;
  } catch (...) {  // std::system_error or std::bad_alloc: make do with the threads there are
    return false;
  }
}

void blocking_pool::abandon(io_operation& op) noexcept {
  std::lock_guard const lock(shared_->mutex);
  // `stage` tells the thread, which has begun and may have ended meanwhile.
  if (op.stage != stage_performing) return;
  op.stage = stage_abandoned;
  ++shared_->abandoned;
  shared_->ended.notify_all();
}

void blocking_pool::shared_state::work() noexcept {
  std::unique_lock lock(mutex);
  for (;;) {
    arrived.wait(lock, [this] { return closing || !queued.empty(); });
    if (queued.empty()) return;
    auto& op = static_cast<io_operation&>(queued.pop_front());
    op.stage = stage_performing;
    ++performing;
    lock.unlock();
    op.performed(op.perform());
    lock.lock();
    if (op.stage == stage_abandoned) --abandoned;
    op.stage = stage_performed;
    --performing;
    if (closing) ended.notify_all();
    lock.unlock();
    unfinished.fetch_sub(1, std::memory_order_relaxed);  // the push makes it visible
    if (!results->push(op)) {                            // from here on it is the loop's again
      op.end_unawaited();
      op.run();  // only what is abandoned outlives the loop
    }
    jobs.fetch_sub(1, std::memory_order_release);
    lock.lock();
  }
}

}  // namespace weft::inline v0::detail
