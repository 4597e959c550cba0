// thread_pool: threads for work that computes or blocks.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "weft/detail/mapping.hpp"
#include "weft/detail/thread_job.hpp"
#include "weft/executor.hpp"

namespace weft::inline v0 {

struct thread_pool_options {
  std::size_t size = 0;  // threads; 0 for as many as usable_processors() says
  std::string name =
      "weft-pool";  // of the threads, with a number behind it; see pthread_setname_np(3)

  // A job that waits for a thread takes no memory but that of the task that awaits it, so any
  // number may wait. With a limit, those that would wait beyond it throw queue_full.
  std::size_t queue_limit = 0;
};

namespace detail {

class thread_crew;

struct WEFT_API thread_crew_deleter {
  void operator()(thread_crew* crew) const noexcept;
};

}  // namespace detail

// An executor. run, map and map_unordered are for tasks of any loop; the other members may be
// called on any thread. A job may not use the pool's destruction, of course, but it may submit
// further jobs through a loop of its own.
class WEFT_API thread_pool {
 public:
  // Starts the threads; throws std::system_error when one cannot be started.
  explicit thread_pool(std::size_t size = 0);
  explicit thread_pool(thread_pool_options options);
  thread_pool(thread_pool const&) = delete;
  thread_pool& operator=(thread_pool const&) = delete;

  // terminate(), and waits for the jobs that run.
  ~thread_pool();

  // Calls `fn(args...)` on a thread of the pool and yields what it returns, or throws what it
  // throws; resumes on this loop. The function and the arguments are copied or moved into the
  // awaiting task, as by std::thread; std::ref borrows. Jobs begin in the order of their
  // submission. The task-locals of the awaiting task hold in the job.
  //
  // Cancelled before it has begun, the job never runs and cancelled is thrown. One that runs is
  // awaited, because it may borrow from the awaiting task; if `fn` takes a std::stop_token before
  // its arguments, that is told to stop. Its outcome is delivered all the same.
  //
  // Throws pool_closed after close(), queue_full beyond the limit, pool_terminated when the pool
  // was terminated before the job began. Allocates nothing, but for the state of a stop token.
  template <class Fn, class... Args>
    requires detail::job_function<Fn, Args...>
  [[nodiscard]] detail::thread_call<Fn, Args...> run(Fn&& fn, Args&&... args) {
    return {name, taker(), std::forward<Fn>(fn), std::forward<Args>(args)...};
  }

  // Calls `fn(item)` for each item, several of them in one job, and yields what the calls returned,
  // in the order of the items. `fn` is called on several threads at once. The first exception
  // withdraws the jobs that have not begun, and is thrown when the others have ended.
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

  // Waits until all jobs have ended, and the threads with them. Throws std::logic_error before
  // close(). Being cancelled leaves the pool as it is.
  [[nodiscard]] task<> join();

  // close(), and fails what has not begun with pool_terminated. Jobs that run are told to stop.
  void terminate() noexcept;

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] executor_stats stats() const;

 private:
  static constexpr char const* name = "weft::thread_pool";

  [[nodiscard]] detail::job_taker& taker() const noexcept;

  std::unique_ptr<detail::thread_crew, detail::thread_crew_deleter> crew_;
};

}  // namespace weft::inline v0
