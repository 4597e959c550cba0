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
  explicit blocking_pool(std::shared_ptr<inbox> results)
      : shared_(std::make_shared<shared_state>(std::move(results))) {}

  // Waits for the threads, but not for operations that were abandoned.
  ~blocking_pool();
  blocking_pool(blocking_pool const&) = delete;
  blocking_pool& operator=(blocking_pool const&) = delete;

  // Takes an operation; it comes back through the inbox, performed. 0, or -errno when no thread
  // could be started. The loop's thread only, as all members.
  int submit(io_operation& op) noexcept;

  // Takes an operation back that no thread has begun; false when it is too late.
  bool withdraw(io_operation& op) noexcept;

  // How many operations are queued, being performed, or just on their way into the inbox.
  [[nodiscard]] std::size_t jobs() const noexcept {
    return shared_->jobs.load(std::memory_order_acquire);
  }

  // Nobody waits for the operation, which a thread has begun, any more.
  void abandon(io_operation& op) noexcept;

 private:
  static constexpr std::size_t threads_max = 8;

  // What the threads use. It outlives the pool where an abandoned operation does.
  struct shared_state {
    explicit shared_state(std::shared_ptr<inbox> where) noexcept : results(std::move(where)) {}

    void work() noexcept;

    std::shared_ptr<inbox> results;
    std::atomic<std::size_t> jobs{0};
    std::atomic<std::size_t> unfinished{0};  // the jobs that still need a thread

    std::mutex mutex;
    std::condition_variable arrived;
    std::condition_variable ended;
    // The rest under the mutex.
    waiter_list queued;
    std::size_t performing = 0;  // by how many threads
    std::size_t abandoned = 0;   // of those, how many do what nobody waits for
    bool closing = false;
  };

  bool start_thread() noexcept;

  std::shared_ptr<shared_state> shared_;
  std::vector<std::thread> threads_;
};

}  // namespace weft::inline v0::detail
