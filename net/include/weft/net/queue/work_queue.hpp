// work_queue: tasks that are put on one machine and done on others, at least once each. What a
// queue is kept in, its implementations know: queue_client, of a queue_server of Weft's own, and
// redis_queue. Values are msgpack (see weft/transferable.hpp), never code.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <ranges>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "weft/executor.hpp"
#include "weft/generator.hpp"
#include "weft/net/queue/error.hpp"
#include "weft/net/queue/lease.hpp"
#include "weft/net/queue/policy.hpp"
#include "weft/net/queue/result.hpp"
#include "weft/retry.hpp"
#include "weft/task.hpp"

namespace weft::inline v0::net {

struct put_options {
  // A task with a key that the queue has seen before is not put again; what is yielded is the
  // earlier one's id. A queue remembers as many keys as its capacity, of Redis for a day.
  std::string key = {};

  when_full at_limit = when_full::wait;
};

// At least once: a worker that dies, or is silent for longer than a lease, loses its tasks to
// others, and may have done them. Make the work repeatable, or compare lease::id().
//
// What a lost connection interrupts is asked again, with `reconnect`'s delays, when that is safe:
// take, ack, fail, results, depth, open and close, and put with a key. Without a key, a put whose
// answer was lost throws, since whether it was done is not known.
//
// Belongs to one loop, and resumes there. Any number of tasks may use it at once. All operations
// throw std::system_error when there is no connection, timed_out when connecting takes too long,
// and cancelled; what implementations throw beyond that, they say.
class WEFT_API work_queue {
 public:
  work_queue(work_queue const&) = delete;
  work_queue& operator=(work_queue const&) = delete;
  virtual ~work_queue();

  // Puts a task and yields its id. While the queue is full it waits, or throws queue_full, as the
  // options say. Throws value_too_large, and queue_closed. The value is encoded when this is
  // called. Cancelled, it may have put the task or not.
  template <class T>
  [[nodiscard]] task<std::string> put(T const& value, put_options options = {}) {
    return put_one({.value = detail::encoded_value(value), .key = std::move(options.key)},
                   options.at_limit);
  }

  // Puts a task for each value of the range, in its order and in as few messages as their size
  // allows; yields their ids. With a key, theirs are KEY/0, KEY/1, and so on. When it throws,
  // it may have put those at the front.
  template <std::ranges::input_range Values>
  [[nodiscard]] task<std::vector<std::string>> put_all(Values const& values,
                                                       put_options const& options = {}) {
    std::vector<new_task> tasks;
    for (auto const& value : values)
      tasks.push_back(
          {.value = detail::encoded_value(value),
           .key = options.key.empty() ? "" : options.key + '/' + std::to_string(tasks.size())});
    return put_in_order(std::move(tasks), options.at_limit);
  }

  // Waits for a task and yields it; none once the queue is closed and has nothing left that could
  // come: no task waits, or is with another worker. Cancelled, it loses no task.
  [[nodiscard]] task<std::optional<lease>> take();

  // Waits for a task and yields as many as there are, at most `most`; no more than one message
  // holds. Empty where take() yields none.
  [[nodiscard]] task<std::vector<lease>> take(std::size_t most);

  // Ends the task with a result (nil, without one), which results() yields. Throws lease_lost, and
  // value_too_large, which leaves the task to its lease's end. After a connection was lost during
  // an ack, lease_lost may mean that this ack itself was done.
  template <class T>
  [[nodiscard]] task<> ack(lease&& done, T const& result) {
    std::vector<finished_task> all;
    all.push_back({.done = std::move(done), .result = detail::encoded_value(result)});
    return end_all(std::move(all));
  }
  [[nodiscard]] task<> ack(lease&& done) { return ack(std::move(done), std::monostate()); }

  // The same for several tasks and as many results, in one message. Throws std::invalid_argument
  // for more or fewer results.
  template <std::ranges::input_range Results>
  [[nodiscard]] task<> ack_all(std::vector<lease>&& done, Results const& results) {
    std::vector<finished_task> all;
    auto next = done.begin();
    for (auto const& result : results) {
      if (next == done.end()) refuse_uneven();
      all.push_back({.done = std::move(*next++), .result = detail::encoded_value(result)});
    }
    if (next != done.end()) refuse_uneven();
    return end_all(std::move(all));
  }

  // Gives the task up for now: it is delivered again after a delay, or, when it has been delivered
  // as often as the policy says, it is dead, and results() yields the error. Throws lease_lost.
  [[nodiscard]] task<> fail(lease&& failed, std::string error) {
    return fail_one(std::move(failed), std::move(error));
  }

  // The results as they come, each for one taker; it ends once the queue is closed and all are
  // taken. Asking for the next confirms the one before: a taker that dies in between loses none,
  // but others may get one again. Borrows the queue. One at a time: the next() of a second one,
  // beside one that is not destroyed, throws std::logic_error.
  [[nodiscard]] generator<work_result> results();

  [[nodiscard]] task<queue_depth> depth();

  // Nothing more is put; who takes gets what is left, and then nothing. For everybody, until
  // open().
  [[nodiscard]] task<> close();
  [[nodiscard]] task<> open();

 protected:
  struct new_task {
    std::string value;
    std::string key;
  };
  struct finished_task {
    lease done;
    std::string result;
  };

  explicit work_queue(retry_options const& reconnect) : reconnect_(reconnect) {}

  // Throws value_too_large.
  static void check_size(char const* what, std::size_t bytes, std::size_t limit);

  // One attempt at each of the above.
  virtual task<std::vector<std::string>> try_put(std::vector<new_task> const& tasks,
                                                 when_full at_limit) = 0;
  virtual task<std::vector<lease>> try_take(std::size_t most) = 0;
  virtual task<std::vector<std::string>> try_ack(std::vector<finished_task> const& all) = 0;
  virtual task<bool> try_fail(lease const& failed, std::string const& error) = 0;
  virtual task<std::vector<work_result>> try_results(std::size_t most) = 0;
  virtual task<queue_depth> try_depth() = 0;
  virtual task<> try_set_open(bool open) = 0;

 private:
  static constexpr std::size_t key_bytes_max = 255;

  task<std::string> put_one(new_task added, when_full at_limit);
  task<std::vector<std::string>> put_in_order(std::vector<new_task> tasks, when_full at_limit);
  task<> end_all(std::vector<finished_task> all);
  task<> fail_one(lease failed, std::string error);
  [[noreturn]] static void refuse_uneven();

  retry_options reconnect_;
  std::deque<work_result> fetched_;
  bool has_results_ = false;  // a generator of them
};

}  // namespace weft::inline v0::net
