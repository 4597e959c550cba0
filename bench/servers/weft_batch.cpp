// Weft with receive_batch() and send_batch().
#include <array>
#include <cstddef>
#include <span>

#include "weft_udp_server.hpp"

namespace {

using weft::net::receive_slot;
using weft::net::send_slot;
using weft::net::udp_socket;

weft::task<> echo(udp_socket& socket) {
  constexpr std::size_t datagram_max = 2'048;
  static std::array<std::array<std::byte, datagram_max>, udp_socket::batch_max> buffers;
  std::array<receive_slot, udp_socket::batch_max> incoming;
  std::array<send_slot, udp_socket::batch_max> outgoing;
  for (std::size_t i = 0; i < buffers.size(); ++i) incoming[i].buffer = buffers[i];
  for (;;) {
    std::size_t const count = co_await socket.receive_batch(incoming);
    for (std::size_t i = 0; i < count; ++i)
      outgoing[i] = {.bytes = incoming[i].bytes(), .to = incoming[i].received.from};
    for (auto left = std::span(outgoing).first(count); !left.empty();)
      left = left.subspan(co_await socket.send_batch(left));
  }
}

}  // namespace

int main(int argc, char** argv) {
  return weft::run_main(server::serve(server::port_of(argc, argv), echo, "receive_batch"));
}
