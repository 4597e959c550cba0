// One connection to a Redis server. Commands go out in the order in which they are asked, as many
// in one write as have gathered while the last was under way; replies come back in the same order,
// and each goes to who asked first of those that are left.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "redis/protocol.hpp"
#include "weft/event.hpp"
#include "weft/net/endpoint.hpp"
#include "weft/net/redis/client.hpp"
#include "weft/net/stream_socket.hpp"
#include "weft/net/unix_address.hpp"
#include "weft/scope.hpp"
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
  std::string host_;  // empty for a Unix socket
  std::string port_;
};

// Connects, authenticates and selects the database; within the time that the options allow.
task<net::stream_socket> open_redis_socket(redis_address const& server,
                                           net::redis_options const& options, redis_reader& reader);

class redis_link {
 public:
  redis_link(net::stream_socket connected, std::unique_ptr<redis_reader> reader, std::string name)
      : socket_(std::move(connected)), reader_(std::move(reader)), name_(std::move(name)) {}
  redis_link(redis_link const&) = delete;
  redis_link& operator=(redis_link const&) = delete;

  // Starts what reads and writes, as children of the scope; they hold the link.
  static void start(std::shared_ptr<redis_link> const& link, task_scope& tasks);

  // Yields the reply to a command; see redis_client::command.
  static task<net::redis_reply> ask(std::shared_ptr<redis_link> link, std::string command);

  [[nodiscard]] bool is_open() const noexcept { return !has_ended_; }

  // Ends it: all who wait get the error. The socket is closed.
  void close() noexcept { end(std::make_error_code(std::errc::operation_canceled)); }

 private:
  // Who waits for a reply. One that nobody waits for any more stays in line.
  struct asker {
    event answered;
    std::optional<net::redis_reply> reply;
  };

  // A server that answers none of so many that nobody waits for any more is given up.
  static constexpr std::size_t abandoned_max = 1'000;

  void end(std::error_code why) noexcept;
  void end(std::exception_ptr why) noexcept;

  static task<> read(std::shared_ptr<redis_link> link);
  static task<> write(std::shared_ptr<redis_link> link);
  void hand_out(net::redis_reply reply);
  [[noreturn]] void throw_ended() const;

  net::stream_socket socket_;
  std::unique_ptr<redis_reader> reader_;
  std::string name_;
  std::string unsent_;
  event has_unsent_;
  std::deque<std::shared_ptr<asker>> asked_;
  join_handle<void> reading_;
  join_handle<void> writing_;
  std::size_t abandoned_ = 0;  // of those in line, or that were
  bool has_ended_ = false;
  std::error_code ended_by_;
  std::exception_ptr ended_by_exception_;
};

}  // namespace weft::inline v0::detail
