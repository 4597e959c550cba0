// process_pool: processes for work that computes, or may crash.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "weft/detail/mapping.hpp"
#include "weft/detail/process_job.hpp"
#include "weft/executor.hpp"
#include "weft/exit_status.hpp"
#include "weft/fork_server.hpp"

namespace weft::inline v0 {

struct process_pool_options {
  std::size_t size = 0;  // processes; 0 for as many as usable_processors() says

  // With a limit, jobs that would wait for a process beyond it throw queue_full. Else any number
  // may wait.
  std::size_t queue_limit = 0;

  // So many jobs, and a process is replaced by a new one; 0 for no such limit.
  std::uint64_t max_jobs_per_worker = 0;

  // Called in each new process before its first job. If it throws or ends the process, all jobs
  // that wait fail with what it threw.
  void (*initializer)() = nullptr;

  // Bytes of address space that a process may have, beyond which its allocations fail; 0 for no
  // limit. See setrlimit(2), RLIMIT_AS.
  std::uint64_t memory_limit = 0;

  // A job that takes longer has its process killed, and throws timed_out. It counts from the job's
  // begin; for a process that does not begin, from when it could have.
  std::optional<std::chrono::nanoseconds> job_deadline = std::nullopt;
};

// Thrown for the job that a process was in when it ended.
class WEFT_API worker_died : public std::runtime_error {
 public:
  explicit worker_died(std::optional<exit_status> how);

  // How the process ended; nothing when the fork server has died, and nobody knows.
  [[nodiscard]] std::optional<exit_status> status() const noexcept { return how_; }

 private:
  std::optional<exit_status> how_;
};

// What a job threw, whatever its type: as text, since the exception itself stays in its process.
class WEFT_API remote_error : public std::runtime_error {
 public:
  remote_error(std::string type_name, std::string message);

  [[nodiscard]] std::string const& type_name() const noexcept { return *type_name_; }
  [[nodiscard]] std::string const& message() const noexcept { return *message_; }

 private:
  std::shared_ptr<std::string const> type_name_;  // shared, so that copying throws nothing
  std::shared_ptr<std::string const> message_;
};

namespace detail {

class process_crew;

struct WEFT_API process_crew_deleter {
  void operator()(process_crew* crew) const noexcept;
};

}  // namespace detail

// An executor. It belongs to one loop at a time: all its members are to be called on the thread of
// the loop that has jobs with it. The processes are forked from the fork server, see
// weft/fork_server.hpp, and end with the program, whatever becomes of that.
//
// A job that kills its process (a signal, exit, a bug) fails alone, with worker_died: what that
// process had not begun goes to another, and a new one takes its place. No job is ever begun twice.
class WEFT_API process_pool {
 public:
  // Starts the processes. Throws std::logic_error when the fork server cannot be started any more,
  // std::system_error for other failures.
  explicit process_pool(std::size_t size = 0);
  explicit process_pool(process_pool_options options);
  process_pool(process_pool const&) = delete;
  process_pool& operator=(process_pool const&) = delete;

  // terminate(); does not wait for the processes to be gone.
  ~process_pool();

  // Calls `fn(args...)` in a process of the pool and yields what it returns; resumes on this loop.
  // `fn` is a function or a lambda without captures; the arguments and what it returns are
  // weft::transferable and travel as copies: text arrives as std::string. One that yields a task
  // has it run on a loop of the process.
  //
  // Cancelled before it has begun, the job never runs. For one that runs its process is killed, and
  // cancelled is thrown when that is gone; a result that was there already is delivered.
  //
  // Throws worker_died, remote_error, timed_out (job_deadline), pool_closed after close(),
  // queue_full beyond the limit, pool_terminated, and std::logic_error for a function that the
  // processes do not have.
  template <class Fn, class... Args>
    requires detail::remote_job_function<Fn, Args...>
  [[nodiscard]] auto run(Fn fn, Args&&... args) {
    static_cast<void>(detail::fork_server_is_wanted<>);
    using value = detail::remote_value<Fn, Args...>;
    return detail::process_call<value, detail::traveler_t<Args>...>(
        name, taker(), detail::make_remote<Fn, Args...>(fn), std::forward<Args>(args)...);
  }

  // Calls `fn(item)` for each item, several of them in one job, and yields what the calls returned,
  // in the order of the items. The first exception withdraws the jobs that have not begun, and is
  // thrown when the others have ended.
  template <std::ranges::input_range Items, class Fn>
  [[nodiscard]] auto map(Items&& items, Fn fn) {
    return detail::map(*this, detail::items_of(std::forward<Items>(items)), std::move(fn));
  }

  // The same, yielding each result as soon as it is there. The jobs are children of the scope, and
  // are withdrawn when the generator is destroyed before its end.
  template <std::ranges::input_range Items, class Fn>
  [[nodiscard]] auto map_unordered(task_scope& tasks, Items&& items, Fn fn) {
    return detail::map_unordered(*this, tasks, detail::items_of(std::forward<Items>(items)),
                                 std::move(fn));
  }

  // Takes no further jobs; those it has will run. Closing again changes nothing.
  void close() noexcept;

  // Waits until all jobs have ended, and the processes with them. Throws std::logic_error before
  // close(). Being cancelled leaves the pool as it is.
  [[nodiscard]] task<> join();

  // close(), fails all jobs with pool_terminated at once, and kills the processes.
  void terminate() noexcept;

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] executor_stats stats() const;

  // The numbers of the processes, once they are there, also of those that are about to end.
  [[nodiscard]] std::vector<pid_t> pids() const;

  // For map: one job.
  template <class Fn, class Item>
  [[nodiscard]] auto run_chunk(Fn const& fn, std::span<Item> items) {
    auto const address = detail::remote_address<Fn, Item&>(fn);
    return run(&detail::remote_map_chunk<Fn, Item>, reinterpret_cast<std::uintptr_t>(address),
               std::vector<Item>(items.begin(), items.end()));
  }

 private:
  static constexpr char const* name = "weft::process_pool";

  [[nodiscard]] detail::job_taker& taker() const noexcept;

  std::unique_ptr<detail::process_crew, detail::process_crew_deleter> crew_;
};

}  // namespace weft::inline v0
