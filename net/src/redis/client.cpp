// See client.hpp.
#include "weft/net/redis/client.hpp"

#include <cerrno>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "redis/link.hpp"
#include "shared_connection.hpp"
#include "weft/error.hpp"

namespace weft::inline v0::net {

using detail::redis_link;

// Held by the client and by its commands, which may outlive it.
struct redis_client::state {
  task_scope& tasks;
  detail::redis_address const server;
  redis_options const options;
  detail::kept_connection<redis_link> connection{};

  state(task_scope& parent, std::string address, redis_options wanted)
      : tasks(parent), server(std::move(address)), options(std::move(wanted)) {}

  static task<std::shared_ptr<redis_link>> connect(std::shared_ptr<state> of) {
    auto reader = std::make_unique<detail::redis_reader>(of->options.reply_limit_bytes);
    auto socket = co_await detail::open_redis_socket(of->server, of->options, *reader);
    auto made =
        std::make_shared<redis_link>(std::move(socket), std::move(reader), of->server.text());
    redis_link::start(made, of->tasks);
    co_return made;
  }

  static task<redis_reply> ask(std::shared_ptr<state> of, std::string command) {
    auto open = of->connection.now();
    if (!open) open = co_await of->connection.get([&] { return connect(of); });
    co_return co_await redis_link::ask(std::move(open), std::move(command));
  }
};

redis_client::redis_client(task_scope& tasks, std::string server, redis_options options)
    : state_(std::make_shared<state>(tasks, std::move(server), std::move(options))) {}

redis_client::~redis_client() {
  if (state_) close();
}

void redis_client::close() noexcept { state_->connection.close(); }

task<redis_reply> redis_client::command(std::vector<std::string> const& arguments) {
  if (arguments.empty()) throw std::invalid_argument("weft: a Redis command of no words");
  return state::ask(state_, detail::format_redis_command(arguments));
}

namespace {

// What the server sends to a subscriber: ["message", channel, payload], ["pmessage", pattern,
// channel, payload], and confirmations, which are of no interest.
bool take_message(redis_reply& reply, redis_message& into) {
  auto& items = reply.items;
  if (items.size() == 3 && items[0].text == "message") {
    into = {
        .channel = std::move(items[1].text), .payload = std::move(items[2].text), .pattern = {}};
    return true;
  }
  if (items.size() == 4 && items[0].text == "pmessage") {
    into = {.channel = std::move(items[2].text),
            .payload = std::move(items[3].text),
            .pattern = std::move(items[1].text)};
    return true;
  }
  return false;
}

std::string subscription_to(std::vector<std::string> channels, std::vector<std::string> patterns) {
  std::string all;
  if (!channels.empty()) {
    channels.insert(channels.begin(), "SUBSCRIBE");
    all += detail::format_redis_command(channels);
  }
  if (!patterns.empty()) {
    patterns.insert(patterns.begin(), "PSUBSCRIBE");
    all += detail::format_redis_command(patterns);
  }
  if (all.empty()) throw std::invalid_argument("weft: a subscription to no channel");
  return all;
}

generator<redis_message> messages(detail::redis_address server, redis_options options,
                                  std::string subscription) {
  detail::redis_reader reader(options.reply_limit_bytes);
  auto socket = co_await detail::open_redis_socket(server, options, reader);
  co_await socket.write_all(std::as_bytes(std::span(subscription)));
  for (;;) {
    while (auto reply = reader.next()) {
      if (reply->type == redis_reply::kind::error) throw redis_error(reply->text);
      redis_message message;
      if (take_message(*reply, message)) co_yield std::move(message);
    }
    auto const bytes = co_await socket.read();
    if (!bytes)
      throw std::system_error(ECONNRESET, std::system_category(),
                              fmt::format("redis {}: the subscription has ended", server.text()));
    reader.feed(bytes);
  }
}

}  // namespace

generator<redis_message> redis_client::subscribe(std::vector<std::string> channels,
                                                 std::vector<std::string> patterns) const {
  return messages(state_->server, state_->options,
                  subscription_to(std::move(channels), std::move(patterns)));
}

}  // namespace weft::inline v0::net
