// redis_queue: a queue in the streams of a Redis server, which keeps it when programs end, and when
// it ends itself, as far as its own settings say (`appendonly`, `appendfsync`).
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "weft/net/queue/policy.hpp"
#include "weft/net/queue/work_queue.hpp"
#include "weft/net/redis/client.hpp"
#include "weft/scope.hpp"

namespace weft::inline v0::net {

struct redis_queue_options {
  redis_options redis = {};

  // There is no server that would know it: all who use a queue must give the same one.
  queue_policy policy = {};

  // How often, and how fast, a lost connection is tried again.
  retry_options reconnect = {.attempts = 10,
                             .first_delay = std::chrono::milliseconds(50),
                             .factor = 2,
                             .longest_delay = std::chrono::seconds(2),
                             .jitter = 0.5};
};

// Belongs to the loop of `tasks`, whose children read tasks and keep leases up: that scope ends
// only when this has been destroyed. Connects at the first operation, with a connection for
// commands, and one each for who waits for tasks and for results. Leases outlive a lost connection:
// what was taken before can be ended after. Destroy it after what its operations are awaited in has
// ended; what it has leased then, others get once the lease is over.
//
// The server must be Redis 7.0 or newer. The queue's keys there are `weft:{NAME}:tasks`, and so on
// with results, delayed, dead, closed, and key:KEY. Dead letters are kept in the stream `dead`,
// too: the last ones, about as many as the queue's capacity.
//
// Who waits for room asks every 100 ms; what others have failed or dropped is found by who waits
// for tasks, within half a second after it is due. A server that loads its data, or has no master,
// is tried again like a lost connection. Beyond what work_queue says operations throw redis_error
// for what the server refuses: when its memory is used up (OOM) it takes no tasks, but still lets
// workers take and end those that it has.
class WEFT_API redis_queue final : public work_queue {
 public:
  // `server` is as redis_client has it; `name` the queue's, of 1 to 255 bytes without braces.
  // Throws std::invalid_argument for what is neither, and for a policy whose values are larger than
  // the replies that `options.redis` allows, or whose leases are shorter than a millisecond.
  redis_queue(task_scope& tasks, std::string const& server, std::string const& name,
              redis_queue_options const& options = {});
  ~redis_queue() override;

 private:
  struct state;

  task<std::vector<std::string>> try_put(std::vector<new_task> const& tasks,
                                         when_full at_limit) override;
  task<std::vector<lease>> try_take(std::size_t most) override;
  task<std::vector<std::string>> try_ack(std::vector<finished_task> const& all) override;
  task<bool> try_fail(lease const& failed, std::string const& error) override;
  task<std::vector<work_result>> try_results(std::size_t most) override;
  task<queue_depth> try_depth() override;
  task<> try_set_open(bool open) override;

  std::shared_ptr<state> state_;
};

}  // namespace weft::inline v0::net
