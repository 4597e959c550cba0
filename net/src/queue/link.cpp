// See link.hpp.
#include "queue/link.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <limits>
#include <span>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

#include "weft/error.hpp"
#include "weft/net/connect.hpp"
#include "weft/net/queue/error.hpp"
#include "weft/stream.hpp"
#include "weft/time.hpp"

namespace weft::inline v0::detail {

namespace {

// Until the server's first message says what it sends; that one is shorter.
constexpr std::size_t greeting_bytes_max = 256;

task<session_keys> shake_hands(net::tcp_stream& socket, std::string const& key) {
  client_handshake client(key);
  std::array<std::byte, handshake::hello_bytes> hello{};
  co_await read_exactly(socket, hello);
  auto const answer = client.answer(hello);
  co_await socket.write_all(answer);
  std::array<std::byte, handshake::verdict_bytes> verdict{};
  co_await read_exactly(socket, verdict);
  client.confirm(verdict);
  co_return client.keys();
}

}  // namespace

task<std::shared_ptr<queue_link>> queue_link::open(task_scope& tasks, host_and_port server,
                                                   std::string queue, std::string key) {
  auto const name = fmt::format("queue server {}:{}", server.host, server.port);
  auto socket = co_await net::connect(server.host, server.port);
  socket.set_no_delay(true);
  try {
    auto const keys = co_await shake_hands(socket, key);
    auto made = std::make_shared<queue_link>(std::move(socket), name, std::move(queue), keys);
    co_await made->greet();
    start(made, tasks);
    co_return made;
  } catch (end_of_stream const&) {
    throw_system_error(ECONNREFUSED, name + ": it ended the connection before the handshake did");
  } catch (std::system_error const& error) {  // nothing was asked of it yet
    throw_system_error(ECONNREFUSED, fmt::format("{}: handshake: {}", name, error.what()));
  }
}

queue_link::queue_link(net::stream_socket connected, std::string const& server, std::string queue,
                       session_keys const& keys)
    : shared_connection(std::move(connected), server),
      queue_(std::move(queue)),
      opener_(keys.to_client, greeting_bytes_max),
      sealer_(keys.to_server) {}

// The first message tells how long leases are, and how large a value and a frame may be.
task<> queue_link::greet() {
  for (;;) {
    if (auto const message = opener_.next()) {
      read_values([&] {
        auto values = values_in(*message);
        lease_ = std::chrono::nanoseconds(values.next<std::int64_t>());
        value_bytes_max_ = values.next<std::size_t>();
        frame_bytes_max_ = values.next<std::size_t>();
      });
      opener_.set_limit(frame_bytes_max_);
      co_return;
    }
    auto const bytes = co_await socket().read();
    if (!bytes) throw end_of_stream(0);
    opener_.feed(bytes);
  }
}

void queue_link::send(std::string_view message) {
  sealer_.seal(std::as_bytes(std::span(message)), writer().unsent());
  writer().has_more();
}

task<queue_answer> queue_link::wait(std::shared_ptr<queue_link> link, std::uint64_t number,
                                    std::string message, late_answer late) {
  if (!link->is_open()) link->throw_ended();
  struct waiting : asker {
    queue_link& of;
    std::uint64_t number;
    late_answer late;
    bool is_over = false;

    waiting(queue_link& asked, std::uint64_t under, late_answer otherwise)
        : of(asked), number(under), late(std::move(otherwise)) {}
    waiting(waiting const&) = delete;
    waiting& operator=(waiting const&) = delete;
    ~waiting() {
      if (!is_over) of.abandon(number, std::move(late), answer);
    }
  } mine(*link, number, std::move(late));
  link->asking_[number] = &mine;
  link->send(message);
  co_await mine.answered.wait();
  mine.is_over = true;
  if (!mine.answer) link->throw_ended();
  co_return std::move(*mine.answer);
}

// The answer may have come after the cancellation did, and before this.
void queue_link::abandon(std::uint64_t number, late_answer late,
                         std::optional<queue_answer> const& answer) noexcept {
  asking_.erase(number);
  if (!is_open()) return;
  try {
    if (answer) {
      if (late) late(*this, *answer);
      return;
    }
    late_[number] = std::move(late);
    send(message_of(number, "cancel", queue_));
  } catch (std::exception const&) {  // no memory, or no answer: the server would think us waiting
    close();
  }
}

task<> queue_link::read() {
  for (;;) {
    while (auto message = opener_.next()) hand_out(std::move(*message));
    auto const bytes = co_await socket().read();
    if (!bytes) co_return;
    opener_.feed(bytes);
  }
}

void queue_link::hand_out(std::string message) {
  std::uint64_t number = 0;
  queue_answer answer;
  read_values([&] {
    auto values = values_in(message);
    number = values.next<std::uint64_t>();
    answer.status = values.next<queue_status>();
    answer.values_at = message.size() - values.size();
  });
  answer.message = std::move(message);
  if (auto const found = asking_.find(number); found != asking_.end()) {
    found->second->answer = std::move(answer);
    found->second->answered.set();
    asking_.erase(found);
  } else if (auto late = late_.extract(number)) {
    if (late.mapped()) late.mapped()(*this, answer);
  } else {
    throw net::frame_error(fmt::format("weft: {} answered what nobody asked", name()));
  }
}

void queue_link::wake_all() noexcept {
  for (auto const& [number, each] : asking_) each->answered.set();
  asking_.clear();
  late_.clear();
  held_->clear();
}

// Keeps up the leases that are held.
task<> queue_link::look_after() {
  for (;;) {
    co_await sleep_for(lease_ / 3);
    std::vector<std::pair<std::uint64_t, std::uint32_t>> held;
    for (auto const& each : *held_) {
      std::uint64_t id = 0;
      std::from_chars(each.entry.data(), each.entry.data() + each.entry.size(), id);
      held.emplace_back(id, each.delivery);
    }
    if (!held.empty()) tell("extend", held);
  }
}

}  // namespace weft::inline v0::detail
