// queue_client: one queue of a queue_server, from the other end of the network, or from the same
// process.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "weft/net/queue/work_queue.hpp"
#include "weft/scope.hpp"

namespace weft::inline v0::net {

class queue_server;

struct queue_client_options {
  std::string key;  // the server's; not empty

  // How long connecting may take, with the handshake.
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(5);

  // How often, and how fast, a lost connection is tried again.
  retry_options reconnect = {.attempts = 8,
                             .first_delay = std::chrono::milliseconds(50),
                             .factor = 2,
                             .longest_delay = std::chrono::seconds(2),
                             .jitter = 0.5};
};

// Belongs to the loop of `tasks`, whose children read and write the connection and keep leases up:
// that scope ends only when this has been destroyed. Connects at the first operation, and again
// after the connection was lost, with which all leases are. Destroy it after what its operations
// are awaited in has ended.
//
// Beyond what work_queue says its operations throw authentication_error, frame_error for what the
// server cannot have sent, and refused_request.
class WEFT_API queue_client final : public work_queue {
 public:
  // `server` is "HOST:PORT" or "[IPv6]:PORT"; `name` the queue's, which is made when it is first
  // used, at most 255 bytes. Throws std::invalid_argument for what is none, or an empty key.
  queue_client(task_scope& tasks, std::string const& server, std::string name,
               queue_client_options options);

  // Of a server in this process, on this loop: the same without a connection, and without a key.
  // Leases run out and delays end only while it serves.
  queue_client(task_scope& tasks, queue_server const& server, std::string name);
  ~queue_client() override;

 private:
  struct state;
  struct outside;  // final: NOLINT(cppcoreguidelines-virtual-class-destructor)
  struct inside;   // final: NOLINT(cppcoreguidelines-virtual-class-destructor)

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
