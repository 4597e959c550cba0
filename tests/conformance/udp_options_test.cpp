// Binding UDP sockets: shared addresses, both families, groups, broadcast, adopting.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

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
using support::receive_text;
using support::run_on;
using support::slots;
using weft::net::endpoint;
using weft::net::send_slot;
using weft::net::udp_socket;

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
