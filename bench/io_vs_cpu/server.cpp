// The TCP server of the comparison: it sends back what it gets, 20 ms later. One loop serves all
// connections, so however many wait, none waits for another. Listens on a free port of 127.0.0.1.
#include <array>
#include <cstdio>

#include <fmt/format.h>
#include <weft/net.hpp>
#include <weft/weft.hpp>

#include "work.hpp"

namespace {

weft::task<> answer(weft::net::tcp_stream peer) {
  peer.set_no_delay(true);
  std::array<std::byte, io_vs_cpu::message_bytes> message{};
  while (std::size_t const count = co_await peer.read_some(message)) {
    co_await weft::sleep_for(io_vs_cpu::latency);
    co_await peer.write_all(std::span(message).first(count));
  }
}

weft::task<> serve() {
  auto listener = weft::net::tcp_listener::bind("127.0.0.1:0");
  fmt::print("listening on {} ({})\n", listener.local().to_string(),
             weft::this_loop::backend_name());
  std::fflush(stdout);
  co_await weft::net::serve(listener, answer,
                            {.max_connections = 10'000, .drain = std::chrono::seconds(1)});
}

}  // namespace

int main() { return weft::run_main(serve()); }
