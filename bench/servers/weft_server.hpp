// What Weft's servers share: they differ in how they read.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "server.hpp"
#include "weft/loop.hpp"
#include "weft/net/serve.hpp"
#include "weft/net/tcp.hpp"
#include "weft/run.hpp"

namespace server {

using handler = weft::task<>(weft::net::tcp_stream);

// Its name says which backend it runs on.
inline weft::task<> serve(std::uint16_t port, handler& echo, std::string_view way) {
  using namespace std::chrono_literals;
  auto listener = weft::net::tcp_listener::bind("127.0.0.1:" + std::to_string(port));
  send_at_once(listener.get());
  std::string name = "weft " + std::string(way) + ", ";
  name += weft::this_loop::backend_name();
  announce(listener.local().port(), name);
  co_await weft::net::serve(listener, echo, {.max_connections = 10'000, .drain = 5s});
}

}  // namespace server
