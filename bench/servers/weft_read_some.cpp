// Weft with read_some(): each connection has a buffer of its own.
#include <array>
#include <cstddef>
#include <span>

#include "weft_server.hpp"

namespace {

weft::task<> echo(weft::net::tcp_stream peer) {
  std::array<std::byte, server::buffer_size> data;
  while (std::size_t const size = co_await peer.read_some(data))
    co_await peer.write_all(std::span(data).first(size));
}

}  // namespace

int main(int argc, char** argv) {
  return weft::run_main(server::serve(server::port_of(argc, argv), echo, "read_some"));
}
