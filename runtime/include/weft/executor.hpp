// What all executors have in common. An executor takes a function and its arguments, runs it
// elsewhere, and resumes the awaiting coroutine on its own loop with the value or the exception.
// inline_executor, thread_pool and process_pool are executors; which one work needs is one word.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "weft/detail/compiler.hpp"
#include "weft/duration_histogram.hpp"
#include "weft/task.hpp"

namespace weft::inline v0 {

// Thrown for a job that is submitted to an executor after close() or terminate().
class WEFT_API pool_closed : public std::logic_error {
 public:
  explicit pool_closed(char const* pool)
      : std::logic_error(std::string(pool) + ": the pool is closed") {}
};

// Thrown for a job that an executor had when it was terminated or destroyed.
class WEFT_API pool_terminated : public std::runtime_error {
 public:
  explicit pool_terminated(char const* pool)
      : std::runtime_error(std::string(pool) + ": the pool was terminated") {}
};

// Thrown for what is put into a full queue and must not wait: a job beyond the limit of a pool.
class WEFT_API queue_full : public std::runtime_error {
 public:
  explicit queue_full(std::string const& owner)
      : std::runtime_error(owner + ": the queue is full") {}
};

// What an executor has to do and has done. `queued` and `running` are of this moment, the rest
// counts from the beginning.
struct executor_stats {
  std::size_t queued = 0;
  std::size_t running = 0;
  std::uint64_t done = 0;       // jobs that returned
  std::uint64_t failed = 0;     // jobs that threw, or whose worker died
  std::uint64_t restarted = 0;  // workers that were replaced
  duration_histogram<> waited;  // of each job that ran, from its submission to its begin
  duration_histogram<> ran;
};

// run(fn, args...) yields what fn(args...) returns. close() refuses further jobs; join(), after it,
// waits until all that were submitted have ended; terminate() does not wait. size() is the number
// of workers.
template <class T>
concept executor = requires(T& pool, int (*fn)(int)) {
  requires std::same_as<detail::await_result<decltype(pool.run(fn, 1))>, int>;
  pool.close();
  pool.join();
  pool.terminate();
  { pool.size() } -> std::convertible_to<std::size_t>;
  { pool.stats() } -> std::same_as<executor_stats>;
};

// How many processors this process may use: those of its affinity mask, and no more than the quota
// of its cgroup allows. At least one. See sched_getaffinity(2) and cgroups(7).
[[nodiscard]] WEFT_API std::size_t usable_processors() noexcept;

}  // namespace weft::inline v0
