// One queue as its server keeps it: the tasks, and the requests that wait for something to happen
// to them. Like the list of tasks it knows no clock and no socket; connections are queue_askers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "queue/message.hpp"
#include "queue/task_list.hpp"
#include "weft/net/queue/policy.hpp"

namespace weft::inline v0::detail {

// A connection, as a queue sees it.
class queue_asker {
 public:
  queue_asker(queue_asker const&) = delete;
  queue_asker& operator=(queue_asker const&) = delete;

  // As the holder of leases.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

  // Sends the message, some time soon.
  virtual void send(std::string const& message) = 0;

 protected:
  explicit queue_asker(std::uint64_t number) noexcept : number_(number) {}
  ~queue_asker() = default;

 private:
  std::uint64_t number_;
};

// Whom to answer.
struct queue_request {
  queue_asker* by = nullptr;
  std::uint64_t number = 0;

  friend bool operator==(queue_request const&, queue_request const&) = default;

  template <class... Values>
  void answer(queue_status status, Values const&... values) const {
    by->send(message_of(number, status, values...));
  }
};

class served_queue {
 public:
  using time = task_list::time;
  using keyed_value = std::pair<std::string, std::string>;
  using delivery = std::pair<std::uint64_t, std::uint32_t>;
  using result = std::tuple<std::uint64_t, std::uint32_t, std::string>;

  // The values of one answer have at most `answer_bytes`, unless one alone has more.
  served_queue(net::queue_policy const& policy, std::function<time(int failures)> delay_after,
               std::size_t answer_bytes)
      : tasks_(policy, std::move(delay_after)), answer_bytes_(answer_bytes) {}

  // Each request is answered once: at once, or when it can be.
  void put(queue_request from, std::vector<keyed_value> tasks, bool waits, time now);
  void take(queue_request from, std::size_t most, time now);
  void ack(queue_request from, std::vector<result> results, time now);
  void fail(queue_request from, delivery failed, std::string error, time now);
  void extend(queue_request from, std::vector<delivery> const& held, time now);
  void release(queue_request from, std::vector<delivery> const& held, time now);
  void results(queue_request from, std::size_t most, time now);
  void depth(queue_request from) const;
  void set_open(queue_request from, bool open, time now);

  // Answers the request, if it waits.
  void cancel(queue_request waiting);

  // Nobody is there any more to be answered. What they had is given to others by the next
  // advance().
  void forget(queue_asker const& gone) noexcept;

  // From now on who takes gets nothing: the server ends.
  void end(time now);

  // Nothing is in it, not even a key, and nobody waits.
  [[nodiscard]] bool is_unused() const noexcept {
    return tasks_.is_unused() && putting_.empty() && taking_.empty() && taking_results_.empty();
  }

  // Makes ready what is due, and yields when something is due next.
  time advance(time now);
  [[nodiscard]] time next_due() const noexcept { return tasks_.next_due(); }

 private:
  struct waiting_put {
    queue_request from;
    std::vector<keyed_value> tasks;
    std::vector<std::uint64_t> ids;  // of those at the front, which have been put
  };
  struct waiting_take {
    queue_request from;
    std::size_t most = 0;
  };

  // Answers whoever can be answered now.
  void settle(time now);
  bool answer_results();
  bool answer_put();
  bool put_what_fits(waiting_put& added);
  bool answer_take(time now);

  task_list tasks_;
  std::size_t answer_bytes_;
  bool has_ended_ = false;
  std::deque<waiting_put> putting_;
  std::deque<waiting_take> taking_;
  std::deque<waiting_take> taking_results_;
};

}  // namespace weft::inline v0::detail
