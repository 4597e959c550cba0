// Weft with receive_from() and send_to(): one datagram at a time.
#include <array>
#include <cstddef>
#include <span>

#include "weft_udp_server.hpp"

namespace {

weft::task<> echo(weft::net::udp_socket& socket) {
  std::array<std::byte, 2'048> buffer;
  for (;;) {
    auto const datagram = co_await socket.receive_from(buffer);
    co_await socket.send_to(std::span(buffer).first(datagram.size), datagram.from);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return weft::run_main(server::serve(server::port_of(argc, argv), echo, "receive_from"));
}
