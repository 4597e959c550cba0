// The loop's own small pool of threads, for operations that the kernel has no asynchronous form of.
// It is not the user's thread_pool: files, names and computation do not starve each other.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "weft/detail/inbox.hpp"
#include "weft/detail/io_operation.hpp"

namespace weft::inline v0::detail {

class blocking_pool {
 public:
  explicit blocking_pool(std::shared_ptr<inbox> results) noexcept : results_(std::move(results)) {}
  ~blocking_pool();
  blocking_pool(blocking_pool const&) = delete;
  blocking_pool& operator=(blocking_pool const&) = delete;

  // Takes an operation; it comes back through the inbox, performed. 0, or -errno when no thread
  // could be started. The loop's thread only, as all members.
  int submit(io_operation& op) noexcept;

  // Takes an operation back that no thread has begun; false when it is too late.
  bool withdraw(io_operation& op) noexcept;

  // How many operations are queued, being performed, or just on their way into the inbox.
  [[nodiscard]] std::size_t jobs() const noexcept { return jobs_.load(std::memory_order_acquire); }

 private:
  static constexpr std::size_t threads_max = 8;

  bool start_thread() noexcept;
  void work() noexcept;

  std::shared_ptr<inbox> results_;
  std::vector<std::thread> threads_;
  std::atomic<std::size_t> jobs_{0};
  std::atomic<std::size_t> unfinished_{0};  // the jobs that still need a thread

  std::mutex mutex_;
  std::condition_variable arrived_;
  waiter_list queued_;    // under mutex_
  bool closing_ = false;  // under mutex_
};

}  // namespace weft::inline v0::detail
