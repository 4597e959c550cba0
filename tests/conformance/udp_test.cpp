// UDP on the loopback: the contract of datagram sockets that every backend keeps.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

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
using weft::net::receive_slot;
using weft::net::send_slot;
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

// Where nobody is.
endpoint nowhere() {
  auto const gone = udp_socket::bind("127.0.0.1:0");
  return gone.local();
}

// Slots with room for datagrams of 16 bytes.
struct slots {
  std::vector<std::array<std::byte, 16>> buffers;
  std::vector<receive_slot> places;

  explicit slots(std::size_t count) : buffers(count) {
    for (auto& buffer : buffers) places.push_back({.buffer = buffer});
  }
};

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

TEST_CASE_ON_EVERY_BACKEND("an address that is taken is refused, unless both share it") {
  run_on<On>([]() -> weft::task<> {
    auto const first = udp_socket::bind("127.0.0.1:0");
    CHECK_THROWS_WITH(static_cast<void>(udp_socket::bind(first.local())),
                      ("bind " + first.local().to_string() + ": Address already in use").c_str());
    auto const shared = udp_socket::bind("127.0.0.1:0", {.reuse_port = true});
    CHECK(udp_socket::bind(shared.local(), {.reuse_port = true}).local() == shared.local());
    auto const heard = udp_socket::bind("127.0.0.1:0", {.reuse_address = true});
    CHECK(udp_socket::bind(heard.local(), {.reuse_address = true}).local() == heard.local());
    co_return;
  }());
}

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

    auto refused = udp_socket::connect(nowhere());
    co_await refused.send(bytes_of("x"));
    slots batch(2);
    auto const got =
        co_await weft::as_result(weft::with_timeout(10s, refused.receive_batch(batch.places)));
    CHECK(got.error() == std::errc::connection_refused);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("an IPv6 socket talks to both families unless told otherwise") {
  run_on<On>([]() -> weft::task<> {
    udp_socket server;
    try {
      server = udp_socket::bind("[::]:0", {.v6_only = false});
    } catch (std::system_error const&) {
      MESSAGE("skipped: there is no IPv6 here");
      co_return;
    }
    auto const port = std::to_string(server.local().port());
    auto four = udp_socket::connect("127.0.0.1:" + port);
    co_await four.send(bytes_of("four"));
    auto const from_four = co_await receive_text(server);
    CHECK(from_four.from.address().is_v4_mapped());
    co_await server.send_to(bytes_of("back"), from_four.from);
    CHECK((co_await receive_text(four)).text == "back");
    co_await server.send_to(bytes_of("unmapped"), four.local());
    CHECK((co_await receive_text(four)).text == "unmapped");

    auto six = udp_socket::connect("[::1]:" + port);
    std::array const sent{send_slot{.bytes = bytes_of("six")}};
    CHECK(co_await six.send_batch(sent) == 1);
    slots batch(2);
    CHECK(co_await server.receive_batch(batch.places) == 1);
    CHECK(batch.places[0].received.from == six.local());

    auto only = udp_socket::bind("[::]:0", {.v6_only = true});
    auto const beside = udp_socket::bind("0.0.0.0:" + std::to_string(only.local().port()));
    auto const unreached = co_await weft::as_result(only.send_to(bytes_of("x"), four.local()));
    CHECK_FALSE(unreached);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("what is sent to a group reaches those who joined it") {
  run_on<On>([]() -> weft::task<> {
    auto const group = weft::net::address::parse("239.255.77.77");
    auto const loopback = 1u;  // the first interface of every network namespace
    auto first = udp_socket::bind("0.0.0.0:0", {.reuse_address = true});
    auto second = udp_socket::bind(first.local(), {.reuse_address = true});
    auto sender = udp_socket::bind("127.0.0.1:0");
    sender.set_multicast_interface(loopback);
    sender.set_multicast_loop(true);
    sender.set_multicast_ttl(0);  // it stays on this machine
    CHECK_THROWS_AS(sender.set_multicast_ttl(256), std::system_error);
    CHECK_THROWS_AS(sender.set_multicast_ttl(-2), std::system_error);
    CHECK_THROWS_AS(first.join(weft::net::address::loopback_v4()), std::system_error);
    first.join(group, loopback);
    second.join(group, loopback);
    endpoint const to(group, first.local().port());
    co_await sender.send_to(bytes_of("both"), to);
    CHECK((co_await receive_text(first)).text == "both");
    CHECK((co_await receive_text(second)).text == "both");
    first.leave(group, loopback);
    second.leave(group, loopback);
    auto const unheard = co_await weft::as_result(sender.send_to(bytes_of("nobody"), to));
    CHECK(unheard);
    CHECK_THROWS_AS(co_await weft::with_timeout(1ms, receive_text(first)), weft::timed_out);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("IPv6 sockets have the multicast options, too") {
  run_on<On>([]() -> weft::task<> {
    udp_socket receiver;
    try {
      receiver = udp_socket::bind("[::]:0");
    } catch (std::system_error const&) {
      MESSAGE("skipped: there is no IPv6 here");
      co_return;
    }
    auto const value_of = [&](int option) {
      int value = -1;
      socklen_t size = sizeof value;
      CHECK(::getsockopt(receiver.get(), IPPROTO_IPV6, option, &value, &size) == 0);
      return value;
    };
    receiver.set_multicast_interface(1);
    CHECK(value_of(IPV6_MULTICAST_IF) == 1);
    receiver.set_multicast_loop(false);
    CHECK(value_of(IPV6_MULTICAST_LOOP) == 0);
    receiver.set_multicast_ttl(7);
    CHECK(value_of(IPV6_MULTICAST_HOPS) == 7);
    auto const group = weft::net::address::parse("ff01::77%1");  // of the loopback interface
    receiver.join(group);
    CHECK_THROWS_AS(receiver.join(group, 1), std::system_error);  // the same one
    receiver.leave(group);
    CHECK_THROWS_AS(receiver.leave(group), std::system_error);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("broadcasting takes permission") {
  run_on<On>([]() -> weft::task<> {
    auto sender = udp_socket::bind("0.0.0.0:0");
    auto receiver = udp_socket::bind("0.0.0.0:0");
    endpoint const to(weft::net::address::parse("127.255.255.255"), receiver.local().port());
    auto const refused = co_await weft::as_result(sender.send_to(bytes_of("x"), to));
    CHECK(refused.error() == std::errc::permission_denied);
    sender.set_broadcast(true);
    co_await sender.send_to(bytes_of("all"), to);
    CHECK((co_await receive_text(receiver)).text == "all");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("only a UDP socket is adopted, in whatever mode it is") {
  run_on<On>([]() -> weft::task<> {
    auto server = udp_socket::bind("127.0.0.1:0");
    int const fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    auto client = udp_socket::adopt(fd);
    CHECK(client.get() == fd);
    co_await client.send_to(bytes_of("hello"), server.local());
    auto const got = co_await receive_text(server);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        CHECK((co_await receive_text(client)).text == "back");
        std::array<std::byte, 16> room{};
        CHECK(co_await client.receive(room) == 5);
      });
      endpoint const at(weft::net::address::loopback_v4(), got.from.port());
      co_await weft::sleep_for(1ms);
      co_await server.send_to(bytes_of("back"), at);
      co_await weft::sleep_for(1ms);
      co_await server.send_to(bytes_of("again"), at);
    });
    CHECK(::close(client.release()) == 0);
    int const other = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_THROWS_AS(static_cast<void>(udp_socket::adopt(other)), std::system_error);
    CHECK(::close(other) == 0);  // it is still ours
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
