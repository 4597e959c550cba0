// An event-driven server, and many clients at once.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <string>

#include <fmt/format.h>
#include <weft/duration_histogram.hpp>
#include <weft/net.hpp>
#include <weft/weft.hpp>

#include "steps.hpp"

using namespace std::chrono_literals;
namespace net = weft::net;

namespace tour {

namespace {

constexpr int clients = 200;
constexpr auto how_long = 2s;

weft::task<> echo(net::tcp_stream peer) {
  while (weft::buffer const line = co_await peer.read()) co_await peer.write_all(line);
}

weft::task<> talk(net::endpoint server, weft::clock::time_point end,
                  weft::duration_histogram<>& waited) {
  auto peer = co_await net::connect(server);
  std::array<std::byte, 64> line{};
  for (auto now = weft::now(); now < end;) {
    co_await peer.write_all(line);
    co_await weft::read_exactly(peer, line);
    waited.add(weft::now() - now);
    now = weft::now();
  }
}

}  // namespace

weft::task<> serve_clients(narrator& out) {
  out.begin("An event-driven server",
            fmt::format("A server and {} clients in this one thread: each client sends 64 bytes, "
                        "waits for them to come back, and sends again, for {} s.",
                        clients, how_long.count()));
  weft::duration_histogram<> waited;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    auto listener = net::tcp_listener::bind("127.0.0.1:0");
    auto const serving = tasks.spawn(net::serve(listener, echo));
    auto const begun = weft::now();
    co_await weft::scope([&](weft::task_scope& talking) -> weft::task<> {
      for (int i = 0; i < clients; ++i)
        talking.spawn(talk(listener.local(), begun + how_long, waited));
      while (talking.size() != 0) {
        co_await weft::sleep_for(50ms);
        auto const passed = std::min<std::chrono::nanoseconds>(weft::now() - begun, how_long);
        out.show_progress({.done = waited.count(),
                           .in_flight = clients,
                           .share = std::chrono::duration<double>(passed) / how_long});
      }
    });
    serving.cancel();
  });
  auto const seconds = static_cast<double>(how_long.count());
  out.measured("requests",
               number_text(static_cast<double>(waited.count()) / seconds) + " a second");
  out.measured("an answer took",
               fmt::format("{} (half), {} (99 %)", duration_text(waited.percentile(50)),
                           duration_text(waited.percentile(99))));
  out.lesson(
      "Connections that mostly wait need no threads: each is a coroutine that is resumed when "
      "its bytes have come.");
}

}  // namespace tour
