// One connection to a Redis server. Commands go out in the order in which they are asked, as many
// in one write as have gathered while the last was under way; replies come back in the same order,
// and each goes to who asked first of those that are left.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host_and_port.hpp"
#include "redis/protocol.hpp"
#include "shared_connection.hpp"
#include "weft/event.hpp"
#include "weft/net/endpoint.hpp"
#include "weft/net/redis/client.hpp"
#include "weft/net/stream_socket.hpp"
#include "weft/net/unix_address.hpp"
#include "weft/task.hpp"

namespace weft::inline v0::detail {

// Where a server is.
class redis_address {
 public:
  // Throws std::invalid_argument for what is no address.
  explicit redis_address(std::string text);

  // Connects, with the system's resolver if need be.
  [[nodiscard]] task<net::stream_socket> connect() const;

  [[nodiscard]] std::string const& text() const noexcept { return text_; }

 private:
  std::string text_;
  host_and_port at_;  // empty for a Unix socket
};

// Connects, authenticates and selects the database; within the time that the options allow.
task<net::stream_socket> open_redis_socket(redis_address const& server,
                                           net::redis_options const& options, redis_reader& reader);

class redis_link final : public shared_connection {
 public:
  redis_link(net::stream_socket connected, std::unique_ptr<redis_reader> reader,
             std::string const& server)
      : shared_connection(std::move(connected), "redis " + server), reader_(std::move(reader)) {}

  // Yields the reply to a command; see redis_client::command.
  static task<net::redis_reply> ask(std::shared_ptr<redis_link> link, std::string command);

 private:
  // Who waits for a reply. One that nobody waits for any more stays in line.
  struct asker {
    event answered;
    std::optional<net::redis_reply> reply;
  };

  // A server that answers none of so many that nobody waits for any more is given up.
  static constexpr std::size_t abandoned_max = 1'000;

  task<> read() override;
  void wake_all() noexcept override;
  void hand_out(net::redis_reply reply);

  std::unique_ptr<redis_reader> reader_;
  std::deque<std::shared_ptr<asker>> asked_;
  std::size_t abandoned_ = 0;  // of those in line, or that were
};

}  // namespace weft::inline v0::detail
