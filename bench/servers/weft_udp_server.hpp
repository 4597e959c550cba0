// What Weft's servers for datagrams share: they differ in how many they take at once.
#pragma once

#include <string>
#include <string_view>

#include "server.hpp"
#include "weft/cancel.hpp"
#include "weft/loop.hpp"
#include "weft/net/udp.hpp"
#include "weft/run.hpp"

namespace server {

using datagram_handler = weft::task<>(weft::net::udp_socket&);

inline weft::task<> serve(std::uint16_t port, datagram_handler& echo, std::string_view way) {
  auto socket = weft::net::udp_socket::bind("127.0.0.1:" + std::to_string(port));
  std::string name = "weft " + std::string(way) + ", ";
  name += weft::this_loop::backend_name();
  announce(socket.local().port(), name);
  co_await weft::until_stop([&] { return echo(socket); });
}

}  // namespace server
