// Weft with read(): the loop lends the buffer, so a connection that waits holds none.
#include <cstddef>
#include <utility>

#include "weft_server.hpp"

namespace {

weft::task<> echo(weft::net::tcp_stream peer) {
  while (weft::buffer data = co_await peer.read()) co_await peer.write_all(data);
}

}  // namespace

int main(int argc, char** argv) {
  return weft::run_main(server::serve(server::port_of(argc, argv), echo, "read"));
}
