// See link.hpp.
#include "redis/link.hpp"

#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "silence.hpp"
#include "weft/error.hpp"
#include "weft/net/connect.hpp"
#include "weft/net/unix.hpp"
#include "weft/timeout.hpp"

namespace weft::inline v0::detail {

using net::redis_reply;

redis_address::redis_address(std::string text) : text_(std::move(text)) {
  if (text_.find('/') == std::string::npos)
    at_ = host_and_port::parse(text_, "address of a Redis server",
                               "HOST:PORT, or the path of a socket");
}

task<net::stream_socket> redis_address::connect() const {
  if (at_.host.empty()) co_return co_await net::connect(net::unix_address::path(text_));
  auto connected = co_await net::connect(at_.host, at_.port);
  connected.set_no_delay(true);
  end_in_silence(connected);
  co_return connected;
}

namespace {

task<redis_reply> next_reply(net::stream_socket& socket, redis_reader& reader) {
  for (;;) {
    if (auto reply = reader.next()) co_return std::move(*reply);
    auto const bytes = co_await socket.read();
    if (!bytes) throw std::system_error(ECONNRESET, std::system_category());
    reader.feed(bytes);
  }
}

// Before anybody else uses the connection.
task<> do_first(net::stream_socket& socket, redis_reader& reader,
                std::vector<std::string> const& command) {
  auto const bytes = format_redis_command(command);
  co_await socket.write_all(std::as_bytes(std::span(bytes)));
  auto const reply = co_await next_reply(socket, reader);
  if (reply.type == redis_reply::kind::error) throw net::redis_error(reply.text);
}

task<net::stream_socket> open_now(redis_address const& server, net::redis_options const& options,
                                  redis_reader& reader) {
  auto socket = co_await server.connect();
  if (!options.password.empty()) {
    std::vector<std::string> command{"AUTH"};
    if (!options.user.empty()) command.push_back(options.user);
    command.push_back(options.password);
    co_await do_first(socket, reader, command);
  }
  if (options.database != 0)
    co_await do_first(socket, reader, {"SELECT", std::to_string(options.database)});
  co_return socket;
}

}  // namespace

task<net::stream_socket> open_redis_socket(redis_address const& server,
                                           net::redis_options const& options,
                                           redis_reader& reader) {
  co_return co_await with_timeout(options.connect_timeout, open_now(server, options, reader));
}

void redis_link::wake_all() noexcept {
  for (auto const& each : asked_) each->answered.set();
  asked_.clear();
}

task<> redis_link::read() {
  for (;;) {
    while (auto reply = reader_->next()) hand_out(std::move(*reply));
    auto const bytes = co_await socket().read();
    if (!bytes) co_return;
    reader_->feed(bytes);
  }
}

void redis_link::hand_out(redis_reply reply) {
  if (asked_.empty())
    throw std::runtime_error(fmt::format("weft: {} sent a reply that nobody asked for", name()));
  auto const first = std::move(asked_.front());
  asked_.pop_front();
  abandoned_ = 0;  // it answers
  first->reply = std::move(reply);
  first->answered.set();
}

task<redis_reply> redis_link::ask(std::shared_ptr<redis_link> link, std::string command) {
  if (!link->is_open()) link->throw_ended();
  auto const mine = std::make_shared<asker>();
  link->asked_.push_back(mine);
  try {
    link->writer().unsent() += command;
  } catch (std::bad_alloc const&) {  // who is in line for what was not sent would get another's
    link->asked_.pop_back();
    throw;
  }
  link->writer().has_more();
  struct at_end {
    redis_link& of;
    asker const& by;
    ~at_end() {
      if (!by.answered.is_set() && ++of.abandoned_ > abandoned_max)
        of.end(std::make_error_code(std::errc::timed_out));
    }
  } const ending{*link, *mine};
  co_await mine->answered.wait();
  if (!mine->reply) link->throw_ended();
  if (mine->reply->type == redis_reply::kind::error) throw net::redis_error(mine->reply->text);
  co_return std::move(*mine->reply);
}

}  // namespace weft::inline v0::detail
