// The processes of a process_pool and the jobs that wait for them. All of it is on the thread of
// the loop that has jobs here.
//
// A job goes from the queue into a slot of the worker with the fewest; a worker that has run out of
// jobs gets some that others have not begun. What a worker has done the loop finds in the slots
// (collect); when it sleeps the worker wakes it. How a worker has ended comes from the fork server,
// through the inbox.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "crew_member.hpp"
#include "fork_server.hpp"
#include "job_desk.hpp"
#include "pool_registry.hpp"
#include "weft/detail/inbox.hpp"
#include "weft/detail/process_job.hpp"
#include "weft/detail/timer.hpp"
#include "weft/executor.hpp"
#include "weft/process_pool.hpp"

namespace weft::inline v0::detail {

class process_crew final : public job_taker, private job_source, private timer {
 public:
  explicit process_crew(process_pool_options options);
  ~process_crew() override;
  process_crew(process_crew const&) = delete;
  process_crew& operator=(process_crew const&) = delete;

  int admit() noexcept override;
  void take(waiter_list& jobs, std::size_t count) noexcept override;
  void forgo() noexcept override { --outstanding_; }
  bool withdraw(job& taken) noexcept override;

  void close() noexcept;
  task<> join();
  void terminate() noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }
  [[nodiscard]] executor_stats stats() const;
  [[nodiscard]] std::vector<pid_t> pids() const;

  // Waits in `join` until the last worker has ended; true when it has already.
  bool await_end(process_job& waiting) noexcept;

 private:
  // Tells that the worker of a place has ended. It travels through the inbox, and frees itself.
  class end_notice;  // final: NOLINT(cppcoreguidelines-virtual-class-destructor)

  // Where a worker is, or one after another.
  struct place {
    std::unique_ptr<process_worker> worker;  // none when it could not be started
    end_notice* notice = nullptr;
  };

  [[nodiscard]] bool has_results() const noexcept override;
  bool collect() noexcept override;
  bool fall_asleep() noexcept override;
  void awake() noexcept override;
  void fire() noexcept override;

  void bind_to_loop() noexcept;
  void unbind() noexcept;
  void bind(place& to);
  bool start(place& at) noexcept;
  void has_ended(place& ended) noexcept;

  void dispatch() noexcept;
  [[nodiscard]] process_worker* least_loaded() const noexcept;
  void give_next(process_worker& to) noexcept;
  bool assign(process_worker& to, process_job& given) noexcept;
  void share_out() noexcept;
  void collect_all() noexcept;
  void collect_from(process_worker& from) noexcept;
  void deliver(process_worker& from, std::uint32_t number, process_job& done);
  void take_back_all(process_worker& from) noexcept;
  void kill_running(process_worker& in) noexcept;
  void requeue(waiter_list& jobs) noexcept;
  void settle(process_job& ended, int result) noexcept;
  void fail(process_job& failed, std::exception_ptr why) noexcept;
  void fail_queue(std::exception_ptr const& why) noexcept;
  void jobs_have_left() noexcept;
  [[nodiscard]] bool is_bound() const noexcept;

  process_pool_options options_;
  std::shared_ptr<fork_server> server_;
  std::vector<place> places_;

  waiter_list queue_;
  std::size_t queued_ = 0;
  std::size_t outstanding_ = 0;  // jobs that were admitted and have not ended
  std::size_t in_slots_ = 0;
  bool is_source_ = false;
  bool closed_ = false;
  int failed_starts_ = 0;  // in a row: workers that ended before they were ready
  std::exception_ptr start_error_;
  waiter_list joining_;
  executor_stats stats_;  // but for `queued` and `running`

  std::shared_ptr<inbox> home_;  // of the loop that has jobs here
  std::uint32_t loop_number_ = 0;
  void (*known_function_)() = nullptr;  // that the server was asked about last
  std::optional<registered_pool> registered_;
};

}  // namespace weft::inline v0::detail
