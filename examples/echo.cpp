#include <weft/net.hpp>
#include <weft/weft.hpp>
using namespace std::chrono_literals;

weft::task<> echo(weft::net::tcp_stream peer) {
  while (weft::buffer data = co_await peer.read()) co_await peer.write_all(data);
}

weft::task<> app() {
  auto listener = weft::net::tcp_listener::bind("127.0.0.1:7000");
  co_await weft::net::serve(listener, echo, {.max_connections = 10'000, .drain = 5s});
}

int main() { return weft::run_main(app()); }
