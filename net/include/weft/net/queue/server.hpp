// queue_server: named queues in this process's memory, which others reach over the network with a
// key. Nothing to install; what is in them ends with the server.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "weft/net/endpoint.hpp"
#include "weft/net/queue/policy.hpp"
#include "weft/task.hpp"

namespace weft::inline v0::detail {
class queue_host;
}

namespace weft::inline v0::net {

struct queue_server_options {
  std::string key;           // that clients must have, too; not empty
  queue_policy policy = {};  // of each queue

  // Connections that have not shown yet that they have the key: how long each may take, and how
  // many there are. Of more, the oldest is cut off, since who has the key is quick.
  std::chrono::nanoseconds handshake_timeout = std::chrono::seconds(5);
  std::size_t strangers_max = 128;

  // How long after a stop request connections that have not ended are cut off.
  std::chrono::nanoseconds drain = std::chrono::seconds(5);
};

// Belongs to the loop that serves it. Both ends prove that they have the key before anything else
// is read, without showing it (HMAC-SHA-256 over random numbers of both), and every message after
// that is authenticated; nothing is encrypted: who listens on the way can read the values. The
// bytes are in docs/queue-protocol.md.
class WEFT_API queue_server {
 public:
  static constexpr std::uint16_t default_port = 5000;

  // Opens a listener at the endpoint; port 0 picks a free one. Throws std::invalid_argument for an
  // empty key or a policy that means nothing (see queue_policy), and std::system_error as
  // tcp_listener::bind does.
  static queue_server bind(endpoint const& at, queue_server_options const& options);
  static queue_server bind(std::string_view at, queue_server_options const& options) {
    return bind(endpoint::parse(at), options);
  }
  queue_server(queue_server&& other) noexcept;
  queue_server& operator=(queue_server&&) = delete;
  ~queue_server();

  // Where it listens.
  [[nodiscard]] endpoint local() const;

  // Serves until a stop is requested. From then on takers get nothing, what workers have left is
  // still accepted, and connections that have not ended after options.drain are cut off. What
  // connections do wrong is logged, at most a line a second, and ends them alone. Goes on when this
  // object is destroyed. Throws std::system_error when the listener is broken, or cancelled.
  [[nodiscard]] task<> serve();

 private:
  friend class queue_client;
  struct state;

  [[nodiscard]] std::shared_ptr<detail::queue_host> host() const noexcept;
  static task<> serve(std::shared_ptr<state> of);

  explicit queue_server(std::shared_ptr<state> made) noexcept;

  std::shared_ptr<state> state_;
};

}  // namespace weft::inline v0::net
