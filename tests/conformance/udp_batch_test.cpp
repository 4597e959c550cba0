// Several UDP datagrams in one call.
#include <array>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/datagrams.hpp"
#include "weft/net.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::bytes_of;
using support::pattern;
using support::receive_text;
using support::run_on;
using support::slots;
using support::text_of;
using weft::net::send_slot;
using weft::net::udp_socket;

TEST_CASE_ON_EVERY_BACKEND("a batch is sent and received in one call each") {
  run_on<On>([]() -> weft::task<> {
    auto server = udp_socket::bind("127.0.0.1:0");
    auto first = udp_socket::bind("127.0.0.1:0");
    auto second = udp_socket::bind("127.0.0.1:0");
    auto client = udp_socket::connect(server.local());
    std::array const sent{send_slot{.bytes = bytes_of("one"), .to = first.local()},
                          send_slot{.bytes = bytes_of("two")},
                          send_slot{.bytes = bytes_of(""), .to = second.local()},
                          send_slot{.bytes = bytes_of("longer than sixteen"), .to = {}}};
    CHECK(co_await client.send_batch(sent) == 4);
    CHECK((co_await receive_text(first)).text == "one");
    CHECK((co_await receive_text(second)).text.empty());
    slots batch(5);
    batch.places[2].received.size = 7;
    CHECK(co_await server.receive_batch(batch.places) == 2);
    CHECK(text_of(batch.places[0].bytes()) == "two");
    CHECK(batch.places[0].received.from == client.local());
    CHECK_FALSE(batch.places[0].received.truncated);
    CHECK(text_of(batch.places[1].bytes()) == "longer than sixt");
    CHECK(batch.places[1].received.truncated);
    CHECK(batch.places[2].received.size == 7);  // untouched
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a batch waits for its first datagram, and takes no more than it may") {
  run_on<On>([]() -> weft::task<> {
    auto server = udp_socket::bind("127.0.0.1:0");
    auto client = udp_socket::connect(server.local());
    constexpr std::size_t many = udp_socket::batch_max + 10;
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < many; ++i) texts.push_back(std::to_string(i));
    std::vector<send_slot> sent;
    for (auto const& text : texts) sent.push_back({.bytes = bytes_of(text)});
    slots batch(many);
    CHECK(co_await server.receive_batch({}) == 0);
    CHECK(co_await client.send_batch({}) == 0);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const received = tasks.spawn([&]() -> weft::task<std::string> {
        std::string all;
        for (std::size_t count = 0; count < many;) {
          std::size_t const more = co_await server.receive_batch(batch.places);
          CHECK(more > 0);
          CHECK(more <= udp_socket::batch_max);
          for (std::size_t i = 0; i < more; ++i) all += text_of(batch.places[i].bytes()) + ' ';
          count += more;
        }
        co_return all;
      });
      co_await weft::yield();
      CHECK(co_await client.send_batch(sent) == udp_socket::batch_max);
      CHECK(co_await client.send_batch(std::span(sent).subspan(udp_socket::batch_max)) == 10);
      std::string expected;
      for (auto const& text : texts) expected += text + ' ';
      CHECK(co_await received == expected);
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a batch stops before the datagram that cannot be sent") {
  run_on<On>([]() -> weft::task<> {
    auto server = udp_socket::bind("127.0.0.1:0");
    auto client = udp_socket::connect(server.local());
    std::string const too_long = pattern(70'000);
    std::array const sent{send_slot{.bytes = bytes_of("fits")},
                          send_slot{.bytes = bytes_of(too_long)},
                          send_slot{.bytes = bytes_of("not reached")}};
    CHECK(co_await client.send_batch(sent) == 1);
    auto const rest = co_await weft::as_result(client.send_batch(std::span(sent).subspan(1)));
    CHECK(rest.error() == std::errc::message_size);
    CHECK((co_await receive_text(server)).text == "fits");

    auto const gone = server.local();
    server.close();
    auto refused = udp_socket::connect(gone);
    co_await refused.send(bytes_of("x"));
    slots batch(2);
    auto const got =
        co_await weft::as_result(weft::with_timeout(10s, refused.receive_batch(batch.places)));
    CHECK(got.error() == std::errc::connection_refused);
  }());
}
