// See link.hpp.
#include "queue/link.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <span>
#include <system_error>

#include <fmt/format.h>

#include "silence.hpp"
#include "weft/error.hpp"
#include "weft/net/connect.hpp"
#include "weft/net/queue/error.hpp"
#include "weft/stream.hpp"

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
  end_in_silence(socket);
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
      queue_dialogue(std::move(queue)),
      opener_(keys.to_client, greeting_bytes_max),
      sealer_(keys.to_server) {}

// The first message tells how long leases are, and how large a value and a frame may be.
task<> queue_link::greet() {
  for (;;) {
    if (auto const message = opener_.next()) {
      read_values([&] {
        auto values = values_in(*message);
        std::chrono::nanoseconds const lease(values.next<std::int64_t>());
        auto const value_bytes_max = values.next<std::size_t>();
        agree(lease, value_bytes_max, values.next<std::size_t>());
      });
      opener_.set_limit(frame_bytes_max());
      co_return;
    }
    auto const bytes = co_await socket().read();
    if (!bytes) throw end_of_stream(0);
    opener_.feed(bytes);
  }
}

void queue_link::say(std::string_view message) {
  sealer_.seal(std::as_bytes(std::span(message)), writer().unsent());
  writer().has_more();
}

task<> queue_link::read() {
  for (;;) {
    while (auto message = opener_.next()) hand_out(std::move(*message));
    auto const bytes = co_await socket().read();
    if (!bytes) co_return;
    opener_.feed(bytes);
  }
}

}  // namespace weft::inline v0::detail
