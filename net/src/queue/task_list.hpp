// The tasks of one queue and what has become of them. It knows no clock and no connection: the time
// is given to it, in nanoseconds, and a holder is a number.
//
//   put -> ready -> leased -> done, with a result
//            ^        |
//            |        +-> failed -> delayed -+
//            |        +-> holder gone -------+-> dead, with a failed result, after `attempts`
//            +-------------------------------+
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "weft/net/queue/policy.hpp"

namespace weft::inline v0::detail {

// A task in somebody's hands: who holds an earlier delivery of it has lost it.
struct task_lease {
  std::uint64_t id = 0;
  std::uint32_t delivery = 0;  // 1 for the first

  friend bool operator==(task_lease const&, task_lease const&) = default;
};

struct delivered_task {
  task_lease lease;
  std::string value;
};

struct task_result {
  std::uint64_t id = 0;
  std::string value;  // the result; of a task that was given up, the task
  bool is_failure = false;
  std::string error;  // of a failure: what the last worker said
};

class task_list {
 public:
  using time = std::int64_t;
  static constexpr time never = INT64_MAX;

  // `delay_after(failures)` yields the nanoseconds until a failed task is tried again.
  task_list(net::queue_policy const& policy, std::function<time(int failures)> delay_after);

  // Yields the number of the task; that of an earlier one with the same key, which is then not put
  // again, unless the key is empty; none when the queue is full. The value is moved from when it is
  // put.
  std::optional<std::uint64_t> put(std::string&& value, std::string const& key);

  // Whether a task with the key would not be put again.
  [[nodiscard]] bool knows(std::string const& key) const {
    return !key.empty() && by_key_.contains(key);
  }

  // How many more tasks it takes.
  [[nodiscard]] std::size_t room() const noexcept {
    auto const used = tasks_.size() + results_.size();
    return used < policy_.capacity ? policy_.capacity - used : 0;
  }
  [[nodiscard]] bool has_ready() const noexcept { return !ready_.empty(); }
  [[nodiscard]] bool has_results() const noexcept { return !results_.empty(); }

  // Nothing is put while it is closed; that is for those who put to see.
  void set_open(bool open) noexcept { is_open_ = open; }
  [[nodiscard]] bool is_open() const noexcept { return is_open_; }

  // Closed, and nothing is left that could ever be taken, or that could become a result.
  [[nodiscard]] bool is_done() const noexcept { return !is_open_ && tasks_.empty(); }
  [[nodiscard]] bool has_no_more_results() const noexcept {
    return is_done() && results_.empty() && unconfirmed_.empty();
  }

  // As it was at first, but for its numbers.
  [[nodiscard]] bool is_unused() const noexcept {
    return is_open_ && dead_ == 0 && tasks_.empty() && results_.empty() && unconfirmed_.empty() &&
           keys_.empty();
  }

  // Leases to the holder at most so many, and no more once their values have `limit_bytes`.
  std::vector<delivered_task> take(std::size_t most, std::size_t limit_bytes, std::uint64_t holder,
                                   time now);

  // False, and nothing happens, when the lease is not the holder's any more.
  bool ack(task_lease const& held, std::uint64_t holder, std::string result);
  bool fail(task_lease const& held, std::uint64_t holder, std::string error, time now);
  bool extend(task_lease const& held, std::uint64_t holder, time now);

  // The delivery never reached the one it was for, and does not count.
  void release(task_lease const& held, std::uint64_t holder);

  // The holder has gone: what it has is ready again, before everything else, and so are the results
  // that it has not confirmed.
  void release_all(std::uint64_t holder);

  // Makes ready what is due by now; yields when something is due next.
  time advance(time now);
  [[nodiscard]] time next_due() const noexcept {
    return due_.empty() ? never : due_.begin()->first;
  }

  // Results in the order in which they came, to be confirmed by their taker.
  std::vector<task_result> take_results(std::size_t most, std::size_t limit_bytes,
                                        std::uint64_t holder);
  void confirm_results(std::uint64_t holder);

  [[nodiscard]] net::queue_depth depth() const noexcept;

 private:
  enum class place : std::uint8_t { ready, delayed, leased };

  struct entry {
    std::string value;
    std::uint32_t deliveries = 0;
    place where = place::ready;
    std::uint64_t holder = 0;
    time due = never;  // of the lease's end, or of the delay's
    std::string last_error;
  };
  using entries = std::unordered_map<std::uint64_t, entry>;

  entries::iterator held(task_lease const& wanted, std::uint64_t holder);
  void make_ready(entries::iterator returned);
  void give_back(entries::iterator returned);
  void finish(entries::iterator ended, task_result result);
  void give_up(entries::iterator ended, std::string error);

  net::queue_policy policy_;
  std::function<time(int failures)> delay_after_;
  std::uint64_t last_id_ = 0;
  entries tasks_;
  std::deque<std::uint64_t> ready_;
  std::set<std::pair<time, std::uint64_t>> due_;  // leases and delays, the earliest first
  std::size_t delayed_ = 0;
  std::size_t leased_ = 0;
  std::size_t dead_ = 0;
  bool is_open_ = true;
  std::deque<task_result> results_;
  std::unordered_map<std::uint64_t, std::vector<task_result>> unconfirmed_;  // by their takers
  std::unordered_map<std::string, std::uint64_t> by_key_;
  std::deque<std::string> keys_;  // as they came; the oldest are forgotten
};

}  // namespace weft::inline v0::detail
