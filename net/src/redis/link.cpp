// See link.hpp.
#include "redis/link.hpp"

#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "weft/error.hpp"
#include "weft/net/connect.hpp"
#include "weft/net/unix.hpp"
#include "weft/timeout.hpp"

namespace weft::inline v0::detail {

using net::redis_reply;

redis_address::redis_address(std::string text) : text_(std::move(text)) {
  if (text_.find('/') != std::string::npos) return;
  auto const colon = text_.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == text_.size())
    throw std::invalid_argument(fmt::format(
        "weft: '{}' is no address of a Redis server; use HOST:PORT, or the path of a socket",
        text_));
  host_ = text_.substr(0, colon);
  port_ = text_.substr(colon + 1);
  if (host_.size() > 2 && host_.front() == '[' && host_.back() == ']')
    host_ = host_.substr(1, host_.size() - 2);
}

task<net::stream_socket> redis_address::connect() const {
  if (host_.empty()) co_return co_await net::connect(net::unix_address::path(text_));
  auto connected = co_await net::connect(host_, port_);
  connected.set_no_delay(true);
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

void redis_link::start(std::shared_ptr<redis_link> const& link, task_scope& tasks) {
  try {
    link->reading_ = tasks.spawn(read(link));
    link->writing_ = tasks.spawn(write(link));
  } catch (...) {
    link->close();
    throw;
  }
}

void redis_link::throw_ended() const {
  if (ended_by_exception_) std::rethrow_exception(ended_by_exception_);
  throw_system_error(ended_by_.value(),
                     fmt::format("redis {}: the connection was lost before the reply", name_));
}

void redis_link::end(std::exception_ptr why) noexcept {
  if (!has_ended_) ended_by_exception_ = std::move(why);
  end(std::make_error_code(std::errc::io_error));
}

// The two that are cancelled here hold the link until they have ended.
void redis_link::end(std::error_code why) noexcept {
  if (std::exchange(has_ended_, true)) return;
  ended_by_ = why;
  for (auto const& each : asked_) each->answered.set();
  asked_.clear();
  if (auto const handle = std::exchange(reading_, {})) handle.cancel();
  if (auto const handle = std::exchange(writing_, {})) handle.cancel();
  try {
    socket_.close();
  } catch (std::system_error const&) {}  // it is closed all the same
}

task<> redis_link::read(std::shared_ptr<redis_link> link) {
  struct at_end {
    redis_link& of;
    ~at_end() { of.close(); }
  } const ending{*link};
  try {
    for (;;) {
      while (auto reply = link->reader_->next()) link->hand_out(std::move(*reply));
      auto const bytes = co_await link->socket_.read();
      if (!bytes) co_return link->end(std::make_error_code(std::errc::connection_reset));
      link->reader_->feed(bytes);
    }
  } catch (std::system_error const& error) {
    link->end(error.code());
  } catch (std::exception const&) {  // no protocol, no memory
    link->end(std::current_exception());
  }
}

task<> redis_link::write(std::shared_ptr<redis_link> link) {
  struct at_end {
    redis_link& of;
    ~at_end() { of.close(); }
  } const ending{*link};
  std::string sending;
  try {
    for (;;) {
      co_await link->has_unsent_.wait();
      link->has_unsent_.reset();
      sending.clear();
      sending.swap(link->unsent_);
      co_await link->socket_.write_all(std::as_bytes(std::span(sending)));
    }
  } catch (std::system_error const& error) {
    link->end(error.code());
  }
}

void redis_link::hand_out(redis_reply reply) {
  if (asked_.empty())
    throw std::runtime_error(
        fmt::format("weft: redis {} sent a reply that nobody asked for", name_));
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
    link->unsent_ += command;
  } catch (std::bad_alloc const&) {  // who is in line for what was not sent would get another's
    link->asked_.pop_back();
    throw;
  }
  link->has_unsent_.set();
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
