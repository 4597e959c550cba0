// UDP on the loopback: the contract of datagram sockets that every backend keeps.
#include <array>
#include <string>

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
using weft::net::datagram;
using weft::net::udp_socket;

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
        CHECK(co_await server.receive({}) == 0);
        auto const whole = co_await receive_text(server, 4);
        CHECK(whole.text == "fits");
        CHECK_FALSE(whole.truncated);
      });
      for (std::string const text : {"", "longer", "lost", "lost", "fits"}) {
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

TEST_CASE_ON_EVERY_BACKEND("a cancelled receive takes no datagram") {
  run_on<On>([]() -> weft::task<> {
    auto server = udp_socket::bind("127.0.0.1:0");
    auto client = udp_socket::connect(server.local());
    std::array<std::byte, 16> room{};
    slots batch(2);
    CHECK_THROWS_AS(co_await weft::with_timeout(1ms, server.receive_from(room)), weft::timed_out);
    CHECK_THROWS_AS(co_await weft::with_timeout(1ms, server.receive(room)), weft::timed_out);
    CHECK_THROWS_AS(co_await weft::with_timeout(1ms, server.receive_batch(batch.places)),
                    weft::timed_out);
    co_await client.send(bytes_of("kept"));
    CHECK((co_await receive_text(server)).text == "kept");
  }());
}

// Each receive is cancelled in the same tick in which its datagram is sent.
TEST_CASE_ON_EVERY_BACKEND("a receive that is cancelled as a datagram comes loses none") {
  run_on<On>([]() -> weft::task<> {
    auto server = udp_socket::bind("127.0.0.1:0");
    auto client = udp_socket::connect(server.local());
    int got = 0;
    constexpr int sent = 200;
    for (int i = 0; i < sent; ++i) {
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        auto const receiving = tasks.spawn([&]() -> weft::task<> {
          std::array<std::byte, 16> room{};
          co_await server.receive_from(room);
          ++got;
        });
        if (i % 2 == 0) co_await weft::yield();
        if (i % 3 == 0) co_await weft::yield();
        co_await client.send(bytes_of("x"));
        if (i % 5 == 0) co_await weft::yield();
        receiving.cancel();
      });
    }
    slots left(udp_socket::batch_max);
    auto const collect = [&]() -> weft::task<> {
      for (;;) got += static_cast<int>(co_await server.receive_batch(left.places));
    };
    CHECK_THROWS_AS(co_await weft::with_timeout(1ms, collect()), weft::timed_out);
    CHECK(got == sent);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("closing ends the receive that waits") {
  run_on<On>([]() -> weft::task<> {
    auto server = udp_socket::bind("127.0.0.1:0");
    slots batch(2);
    for (int form = 0; form < 3; ++form) {
      if (!server) server = udp_socket::bind("127.0.0.1:0");
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        auto const ended = tasks.spawn([&]() -> weft::task<std::error_code> {
          std::array<std::byte, 16> room{};
          std::error_code error;
          if (form == 0) error = (co_await weft::as_result(server.receive_from(room))).error();
          if (form == 1) error = (co_await weft::as_result(server.receive(room))).error();
          if (form == 2)
            error = (co_await weft::as_result(server.receive_batch(batch.places))).error();
          co_return error;
        });
        co_await weft::sleep_for(1ms);
        server.close();
        CHECK(co_await ended == std::errc::operation_canceled);
      });
    }
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a connected socket hears its peer only") {
  run_on<On>([]() -> weft::task<> {
    auto server = udp_socket::bind("127.0.0.1:0");
    auto stranger = udp_socket::bind("127.0.0.1:0");
    auto client = udp_socket::connect(server.local());
    CHECK(client.peer() == server.local());
    CHECK(client.local().port() != 0);
    co_await stranger.send_to(bytes_of("spoofed"), client.local());
    co_await server.send_to(bytes_of("genuine"), client.local());
    auto const got = co_await receive_text(client);
    CHECK(got.text == "genuine");
    CHECK(got.from == server.local());
    CHECK_THROWS_AS(static_cast<void>(stranger.peer()), std::system_error);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("what cannot be sent is an error, by name") {
  run_on<On>([]() -> weft::task<> {
    auto server = udp_socket::bind("127.0.0.1:0");
    auto client = udp_socket::bind("127.0.0.1:0");
    auto const unaddressed = co_await weft::as_result(client.send(bytes_of("x")));
    CHECK(unaddressed.error() == std::errc::destination_address_required);
    std::string const too_long = pattern(70'000);
    try {
      co_await client.send_to(bytes_of(too_long), server.local());
      FAIL("it is too long");
    } catch (std::system_error const& error) {
      CHECK(error.code() == std::errc::message_size);
      CHECK(std::string(error.what()).find(server.local().to_string()) != std::string::npos);
    }
    auto const longest = pattern(65'507);
    co_await client.send_to(bytes_of(longest), server.local());
    CHECK(((co_await receive_text(server, 65'536)).text == longest));
    client.close();
    auto const closed = co_await weft::as_result(client.send_to(bytes_of("x"), server.local()));
    CHECK(closed.error() == std::errc::bad_file_descriptor);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("datagrams that are sent and received at once arrive once, in order") {
  run_on<On>([]() -> weft::task<> {
    auto server = udp_socket::bind("127.0.0.1:0");
    auto client = udp_socket::connect(server.local());
    constexpr int burst = 100;  // the buffers hold some more
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const echo = tasks.spawn([&]() -> weft::task<> {
        std::array<std::byte, 16> room{};
        for (;;) {
          datagram const got = co_await server.receive_from(room);
          co_await server.send_to(std::span(room).first(got.size), got.from);
        }
      });
      for (int round = 0; round < 20; ++round) {
        auto const sending = tasks.spawn([&]() -> weft::task<> {
          for (int i = 0; i < burst; ++i) {
            if (i % (round + 1) == 0) co_await weft::yield();
            co_await client.send(bytes_of(std::to_string(i)));
          }
        });
        for (int i = 0; i < burst; ++i) {
          std::array<std::byte, 16> room{};
          std::size_t const size = co_await client.receive(room);
          REQUIRE(text_of(room, size) == std::to_string(i));
        }
        co_await sending;
      }
      echo.cancel();
    });
  }());
}
