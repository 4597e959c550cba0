// Serves connections over TCP and over a Unix socket on the backend named WEFT_BACKEND, while
// others let accept fail as it does for a connection that failed before it was accepted: all are
// served all the same, and nothing is said.
#include <weft/net.hpp>
#include <weft/weft.hpp>

#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include "open_descriptors.hpp"
#include "require.hpp"

namespace {

int logged = 0;

weft::task<> greet(weft::net::stream_socket peer) {
  std::string_view const greeting = "hello";
  co_await peer.write_all(std::as_bytes(std::span(greeting)));
}

template <class Listener, class Address>
weft::task<> serve_some(Listener listener, Address at) {
  weft::net::serve_statistics counted;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(weft::net::serve(listener, greet, {.statistics = &counted}));
    for (int i = 0; i < 10; ++i) {
      auto client = co_await weft::net::connect(at);
      auto const got = co_await client.read();
      require(got.text() == "hello", "the greeting is another");
    }
    tasks.request_stop();
  });
  require(counted.accepted == 10, fmt::format("{} connections were accepted", counted.accepted));
  require(counted.failed == 0, "a connection failed");
}

weft::task<> app(std::string_view expected) {
  require_says(weft::this_loop::backend_name(), expected);
  auto tcp = weft::net::tcp_listener::bind("127.0.0.1:0");
  auto const endpoint = tcp.local();
  co_await serve_some(std::move(tcp), endpoint);
  auto local = weft::net::unix_listener::bind(weft::net::unix_address());
  auto const name = local.local();
  co_await serve_some(std::move(local), name);
}

}  // namespace

int main() {
  try {
    auto const before = open_descriptors();
    weft::set_log_hook([](weft::log_level, std::string_view) noexcept { ++logged; });
    std::string_view const wanted = std::getenv("WEFT_BACKEND");
    weft::run(app(wanted == "uring" ? "io_uring" : wanted));
    require(logged == 0, "something was logged");
    require(open_descriptors() == before, "a descriptor is left open");
  } catch (std::exception const& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
