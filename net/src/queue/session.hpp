// One connection to a queue server: the handshake, then requests, each answered when it can be.
#pragma once

#include <cstddef>
#include <list>
#include <string>

#include "gathering_writer.hpp"
#include "queue/frame.hpp"
#include "queue/handshake.hpp"
#include "queue/host.hpp"
#include "queue/served_queue.hpp"
#include "weft/cancel.hpp"
#include "weft/net/tcp.hpp"
#include "weft/task.hpp"

namespace weft::inline v0::detail {

// Those that have not shown yet that they have the key, the oldest first, and what cuts them off.
// One that is cut off is none any more.
struct queue_stranger;
using queue_strangers = std::list<queue_stranger*>;

// Serves one connection until it ends. Says in the log what it refuses; throws only cancelled, and
// what the lack of memory does.
task<> serve_queue_session(queue_host& host, queue_strangers& strangers, net::tcp_stream peer);

// A client that has the key.
class queue_session final : public queue_asker {
 public:
  queue_session(queue_host& host, net::tcp_stream& peer, session_keys const& keys)
      : queue_asker(host.next_number()),
        host_(host),
        peer_(peer),
        opener_(keys.to_server, host.frame_bytes_max()),
        sealer_(keys.to_client) {}
  ~queue_session() { host_.forget(*this); }

  // Answers requests until the client leaves. Throws frame_error.
  task<> run();

  void send(std::string const& message) override;

 private:
  task<> read();

  queue_host& host_;
  net::tcp_stream& peer_;
  frame_opener opener_;
  frame_sealer sealer_;
  gathering_writer writer_;
};

}  // namespace weft::inline v0::detail
