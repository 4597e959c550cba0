// See session.hpp.
#include "queue/session.hpp"

#include <array>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "silence.hpp"
#include "weft/net/queue/error.hpp"
#include "weft/scope.hpp"
#include "weft/stream.hpp"
#include "weft/timeout.hpp"

namespace weft::inline v0::detail {

struct queue_stranger {
  queue_stranger(queue_strangers& all, cancel_scope& held)
      : of(all), scope(held), at(all.insert(all.end(), this)) {}
  queue_stranger(queue_stranger const&) = delete;
  queue_stranger& operator=(queue_stranger const&) = delete;
  ~queue_stranger() { leave(); }

  void cut_off() noexcept {
    leave();
    scope.cancel();
  }
  void leave() noexcept {
    if (!std::exchange(has_left, true)) of.erase(at);
  }

  queue_strangers& of;
  cancel_scope& scope;
  queue_strangers::iterator at;
  bool has_left = false;
};

namespace {

// Yields the session's keys; throws authentication_error for a client without the key.
task<session_keys> shake_hands(net::tcp_stream& peer, std::string_view key) {
  server_handshake server(key);
  auto const hello = server.hello();
  co_await peer.write_all(hello);
  std::array<std::byte, handshake::answer_bytes> answer{};
  co_await read_exactly(peer, answer);
  if (!server.verify(answer)) {
    std::array<std::byte, handshake::verdict_bytes> const refusal{};
    co_await peer.write_all(refusal);
    throw net::authentication_error("it has not got the key");
  }
  auto const acceptance = server.acceptance();
  co_await peer.write_all(acceptance);
  co_return server.keys();
}

// The same for one of many, who is cut off when there are too many: then it yields nothing.
task<std::optional<session_keys>> admit(queue_host const& host, queue_strangers& strangers,
                                        net::tcp_stream& peer) {
  co_return co_await cancellable([&](cancel_scope& scope) -> task<session_keys> {
    queue_stranger mine(strangers, scope);
    while (strangers.size() > host.options().strangers_max) strangers.front()->cut_off();
    co_return co_await with_timeout(host.options().handshake_timeout,
                                    shake_hands(peer, host.options().key));
  });
}

std::string name_of(net::tcp_stream const& peer) {
  try {
    return peer.peer().to_string();
  } catch (std::system_error const&) {  // it has left
    return "somebody";
  }
}

}  // namespace

task<> serve_queue_session(queue_host& host, queue_strangers& strangers, net::tcp_stream peer) {
  auto const name = name_of(peer);
  auto const refuse = [&](std::string_view why) {
    if (why.starts_with("weft: ")) why.remove_prefix(6);  // the line has its own beginning
    host.refusals().add(fmt::format("{} was refused: {}", name, why), queue_time());
  };
  try {
    peer.set_no_delay(true);
    end_in_silence(peer);
    auto const keys = co_await admit(host, strangers, peer);
    if (!keys) co_return refuse("too many others have not shown the key, either");
    queue_session session(host, peer, *keys);
    co_await session.run();
  } catch (net::authentication_error const& error) {
    refuse(error.what());
  } catch (net::frame_error const& error) {
    refuse(error.what());
  } catch (timed_out const&) {
    refuse("it has not shown the key in time");
  } catch (end_of_stream const&) {
    refuse("it left without the key");
  } catch (std::system_error const&) {}  // it has left, or was killed: the host takes that back
}

task<> queue_session::run() {
  co_await scope([this](task_scope& tasks) -> task<> {
    auto const writing = tasks.spawn(writer_.run(peer_));
    send(message_of(host_.options().policy.lease.count(), host_.options().policy.value_limit_bytes,
                    host_.frame_bytes_max()));
    co_await read();
    writing.cancel();
  });
}

task<> queue_session::read() {
  while (auto const bytes = co_await peer_.read()) {
    opener_.feed(bytes);
    while (auto const message = opener_.next()) {
      host_.handle(*this, *message, queue_time());
      co_await writer_.room();  // for what was answered
    }
  }
}

void queue_session::send(std::string const& message) {
  sealer_.seal(std::as_bytes(std::span(message)), writer_.unsent());
  writer_.has_more();
}

}  // namespace weft::inline v0::detail
