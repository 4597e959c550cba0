// UDP on the loopback: the contract of datagram sockets that every backend keeps.
#include <array>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "weft/net.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::bytes_of;
using support::pattern;
using support::run_on;
using support::text_of;
using weft::net::datagram;
using weft::net::endpoint;
using weft::net::udp_socket;

namespace {

struct received {
  std::string text;
  endpoint from;
  bool truncated = false;
};

weft::task<received> receive_text(udp_socket& from, std::size_t room = 2048) {
  std::vector<std::byte> buffer(room);
  datagram const got = co_await from.receive_from(buffer);
  co_return {text_of(buffer, got.size), got.from, got.truncated};
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("a datagram arrives with the address of its sender, and is answered") {
  run_on<On>([]() -> weft::task<> {
    auto server = udp_socket::bind("127.0.0.1:0");
    auto client = udp_socket::bind("127.0.0.1:0");
    co_await client.send_to(bytes_of("question"), server.local());
    auto const question = co_await receive_text(server);
    CHECK(question.text == "question");
    CHECK(question.from == client.local());
    CHECK_FALSE(question.truncated);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {  // it waits
        auto const answer = co_await receive_text(client);
        CHECK(answer.text == "answer");
        CHECK(answer.from == server.local());
      });
      co_await weft::yield();
      co_await server.send_to(bytes_of("answer"), question.from);
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("an empty datagram is a datagram, and what does not fit is told") {
  run_on<On>([]() -> weft::task<> {
    auto server = udp_socket::bind("127.0.0.1:0");
    auto client = udp_socket::connect(server.local());
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        auto const empty = co_await receive_text(server);
        CHECK(empty.text.empty());
        CHECK(empty.from == client.local());
        auto const cut = co_await receive_text(server, 4);
        CHECK(cut.text == "long");
        CHECK(cut.truncated);
        auto const nothing = co_await receive_text(server, 0);
        CHECK(nothing.truncated);
        auto const whole = co_await receive_text(server, 4);
        CHECK(whole.text == "fits");
        CHECK_FALSE(whole.truncated);
      });
      for (std::string const text : {"", "longer", "lost", "fits"}) {
        co_await weft::sleep_for(1ms);
        co_await client.send(bytes_of(text));
      }
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a refused peer is an error once, and the socket stays usable") {
  run_on<On>([]() -> weft::task<> {
    auto server = udp_socket::bind("127.0.0.1:0");
    auto const at = server.local();
    server.close();
    auto client = udp_socket::connect(at);
    std::array<std::byte, 16> room{};
    for (bool const receives_first : {false, true}) {
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        auto const refused = tasks.spawn([&]() -> weft::task<std::error_code> {
          if (!receives_first) co_await client.send(bytes_of("anybody?"));
          auto const got = co_await weft::as_result(client.receive(room));
          co_return got.error();
        });
        co_await weft::yield();
        if (receives_first) co_await client.send(bytes_of("anybody?"));
        CHECK(co_await refused == std::errc::connection_refused);
      });
    }
    server = udp_socket::bind(at);
    co_await client.send(bytes_of("now"));
    CHECK((co_await receive_text(server)).text == "now");
    co_await server.send_to(bytes_of("yes"), client.local());
    CHECK(co_await client.receive(room) == 3);
  }());
}
