// Tutorial, 10: one thread that waits for a thousand things at once. A server takes 100 ms for each
// answer, and a thousand clients ask it, all in this one thread.
#include <array>
#include <chrono>
#include <string>

#include <fmt/core.h>
#include <weft/net.hpp>
#include <weft/weft.hpp>

using namespace std::chrono_literals;
namespace net = weft::net;

constexpr int clients = 1000;

weft::task<> answer(net::tcp_stream peer) {
  while (weft::buffer question = co_await peer.read()) {
    co_await weft::sleep_for(100ms);  // as if it asked a database, which takes its time
    co_await peer.write_all(question);
  }
}

weft::task<> ask(net::endpoint server, int& answered) {
  auto peer = co_await net::connect(server);
  std::array<std::byte, 4> const question{};
  co_await peer.write_all(question);
  std::array<std::byte, 4> reply{};
  co_await weft::read_exactly(peer, reply);
  ++answered;
}

weft::task<> app() {
  auto listener = net::tcp_listener::bind("127.0.0.1:0");
  auto const server = listener.local();
  int answered = 0;
  int ticks = 0;
  auto const begun = weft::now();
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    auto serving = tasks.spawn(net::serve(listener, answer));
    auto ticking = tasks.spawn([&]() -> weft::task<> {
      for (;; ++ticks) co_await weft::sleep_for(10ms);
    });
    co_await weft::scope([&](weft::task_scope& asking) -> weft::task<> {
      for (int i = 0; i < clients; ++i) asking.spawn(ask(server, answered));
      co_return;
    });
    serving.cancel();
    ticking.cancel();
  });
  std::chrono::duration<double> const took = weft::now() - begun;
  fmt::print("{} questions, 100 ms each: {:.0f} s one after another\n", answered, clients * 0.1);
  fmt::print("All at once, in one thread: {:.2f} s\n", took.count());
  fmt::print("Meanwhile a clock in the same thread has ticked {} times.\n", ticks);
}

int main() { return weft::run_main(app()); }
