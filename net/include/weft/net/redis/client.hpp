// redis_client: commands to a Redis server, any number in flight over one connection, and what is
// published there as a sequence. The bytes are formatted and read by hiredis, the sockets are ours.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weft/generator.hpp"
#include "weft/net/redis/reply.hpp"
#include "weft/scope.hpp"
#include "weft/task.hpp"

namespace weft::inline v0 {

namespace detail {
class redis_link;
}

namespace net {

struct redis_options {
  std::string user = {};      // for AUTH; none: the default user
  std::string password = {};  // for AUTH; none: no AUTH
  unsigned database = 0;      // for SELECT

  // How long connecting may take, with AUTH and SELECT.
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(5);

  // A reply that has more bytes than this as the server sends it ends the connection.
  std::size_t reply_limit_bytes = std::size_t{64} << 20;
};

struct redis_message {
  std::string channel;  // that it was published to
  std::string payload;  // any bytes
  std::string pattern;  // that the channel matched; empty for one that was named
};

namespace detail_redis {

template <class T>
concept argument = std::convertible_to<T const&, std::string_view> || std::integral<T>;

template <argument T>
std::string text_of(T const& value) {
  if constexpr (std::integral<T>)
    return std::to_string(value);
  else
    return std::string(std::string_view(value));
}

}  // namespace detail_redis

// Belongs to the loop of `tasks`, whose children read and write the connection: that scope ends
// only when this has been closed or destroyed. Connects at the first command, and again at the next
// one after the connection was lost.
class WEFT_API redis_client {
 public:
  // `server` is "HOST:PORT", "[IPv6]:PORT", or the path of a Unix socket, which has a slash in it.
  // Throws std::invalid_argument for what is neither.
  redis_client(task_scope& tasks, std::string server, redis_options options = {});
  redis_client(redis_client&&) noexcept = default;
  redis_client& operator=(redis_client&&) = delete;
  ~redis_client();

  // Sends a command and yields its reply: `co_await redis.command("SET", key, 42)`. Arguments are
  // strings of any bytes, and whole numbers; they are copied when this is called. Tasks that have
  // commands at the same time share the connection: none waits for the reply of another, and the
  // server takes them in the order in which they were sent.
  //
  // Throws redis_error when the server refuses the command; std::system_error when there is no
  // connection, or it is lost before the reply has come (ECONNRESET: whether the command was done
  // is not known); timed_out when connecting takes too long (tasks that wait for the
  // same attempt share its failure); std::runtime_error for what is no
  // Redis protocol; or cancelled, which leaves the command to the server and drops its reply.
  template <detail_redis::argument... Arguments>
    requires(sizeof...(Arguments) != 0)
  [[nodiscard]] task<redis_reply> command(Arguments const&... arguments) {
    return command(std::vector<std::string>{detail_redis::text_of(arguments)...});
  }
  [[nodiscard]] task<redis_reply> command(std::vector<std::string> const& arguments);

  // What is published to the channels, and to those that match the patterns, from the first next()
  // on; over a connection of its own, which is closed when the generator is destroyed. Throws as
  // command() does; the end of the connection is ECONNRESET. Slow readers are cut off by the server
  // (client-output-buffer-limit).
  [[nodiscard]] generator<redis_message> subscribe(std::vector<std::string> channels,
                                                   std::vector<std::string> patterns = {}) const;

  // Ends the connection. Commands in flight throw std::system_error, ECANCELED (those that are
  // connecting, once that has ended); the next one connects again.
  void close() noexcept;

 private:
  struct state;
  std::shared_ptr<state> state_;
};

}  // namespace net
}  // namespace weft::inline v0
