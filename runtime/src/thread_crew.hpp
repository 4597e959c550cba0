// The threads of a thread_pool and the jobs that wait for them.
//
// A job goes from the queue into the hand of one thread, with some others when many wait, and from
// there, when its turn has come, to work. One that is idle takes from the hands of others before it
// sleeps. What a job has come to is pushed into the inbox of its loop at once.
//
// The mutex guards the queue and `where` of each job. A hand is a slot that its thread, another
// thread and the loop that withdraws the job all empty by an atomic exchange: whoever gets the
// pointer has the job.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "pool_registry.hpp"
#include "weft/detail/inbox.hpp"
#include "weft/detail/thread_job.hpp"
#include "weft/executor.hpp"
#include "weft/thread_pool.hpp"

namespace weft::inline v0::detail {

class thread_crew final : public job_taker {
 public:
  explicit thread_crew(thread_pool_options options);
  ~thread_crew() override;
  thread_crew(thread_crew const&) = delete;
  thread_crew& operator=(thread_crew const&) = delete;

  int admit() noexcept override;
  void take(waiter_list& jobs, std::size_t count) noexcept override;
  void forgo() noexcept override;
  bool withdraw(job& taken) noexcept override;

  void close() noexcept;
  task<> join();
  void terminate() noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }
  [[nodiscard]] executor_stats stats() const;

  // Waits in `join` until the last thread has left; true when it has already.
  bool await_end(thread_job& waiting) noexcept;

 private:
  static constexpr std::size_t hand_size = 16;

  struct member {
    std::array<std::atomic<thread_job*>, hand_size> hand{};

    // What runs, if it can be told to stop. terminate() takes it away for as long as it does that,
    // and the thread waits for its return before it lets the job go.
    std::atomic<thread_job*> stoppable{nullptr};

    mutable std::mutex mutex;
    bool running = false;   // under the mutex, as the rest
    executor_stats done{};  // in part: what this thread has done

    std::shared_ptr<inbox> home;  // the one that was pushed to last; the thread's own
    std::thread thread;
  };

  void start_member(std::size_t number);
  void run(member& self) noexcept;
  thread_job* fetch(member& self) noexcept;
  void deal(member& self) noexcept;
  thread_job* take_from_others(member const& self) noexcept;
  void look_out() noexcept;
  void work_on(member& self, thread_job& job) noexcept;
  void leave() noexcept;
  static void send_home(thread_job& job, int result, std::shared_ptr<inbox>& home) noexcept;
  void refuse(waiter_list& jobs, int result) noexcept;

  thread_pool_options options_;
  std::atomic<std::size_t> waiting_{0};  // with a limit: the jobs that have not begun
  std::atomic<std::size_t> queued_{0};   // written under the mutex; read by who looks out
  std::atomic<bool> closed_{false};

  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  // The rest under the mutex.
  waiter_list queue_;
  waiter_list joining_;
  std::size_t sleeping_ = 0;
  std::size_t present_ = 0;  // the threads that have not left
  bool looking_ = false;     // one thread looks out for jobs, and no other need be woken
  bool terminated_ = false;

  std::mutex joining_threads_;
  std::vector<std::unique_ptr<member>> members_;
  std::optional<registered_pool> registered_;
};

}  // namespace weft::inline v0::detail
