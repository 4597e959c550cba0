// echo_server: sends back what it gets, on as many connections as there are descriptors. SIGINT or
// SIGTERM stops accepting and lets the connections that are open finish, for at most five seconds.
#include <cstdio>
#include <limits>
#include <string>

#include <fmt/format.h>
#include <weft/net.hpp>
#include <weft/weft.hpp>

#include "command_line.hpp"

using namespace std::chrono_literals;
namespace net = weft::net;

namespace {

struct arguments {
  std::string host = "127.0.0.1";
  std::uint16_t port = 7000;
  weft::backend_kind backend = weft::backend_kind::automatic;
  std::size_t max_connections = std::numeric_limits<std::size_t>::max();
};

weft::task<> echo(net::tcp_stream peer) {
  while (weft::buffer data = co_await peer.read()) co_await peer.write_all(data);
}

weft::task<> serve(arguments given) {
  auto listener = net::tcp_listener::bind({net::address::parse(given.host), given.port});
  fmt::print("listening on {} ({})\n", listener.local().to_string(),
             weft::this_loop::backend_name());
  std::fflush(stdout);
  co_await net::serve(listener, echo, {.max_connections = given.max_connections, .drain = 5s});
}

}  // namespace

int main(int count, char** values) {
  arguments given;
  command_line app("Sends back what it gets.", "echo_server");
  app.add_option("--port", given.port, "where to listen (7000); 0 picks a free port");
  app.add_option("--host", given.host, "an address of this machine (127.0.0.1)",
                 must_be_an_address());
  app.add_backend_option(given.backend);
  app.add_option("--max-connections", given.max_connections, "how many at a time",
                 must_be_positive());
  if (auto const code = app.parse(count, values)) return *code;
  return weft::run_main(serve(given), {.backend = given.backend});
}
