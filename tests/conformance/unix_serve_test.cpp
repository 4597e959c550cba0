// serve over Unix listeners: the server is the one for TCP, so here is what could differ.
#include <sys/resource.h>

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/log_catcher.hpp"
#include "support/streams.hpp"
#include "support/temporary_directory.hpp"
#include "weft/net.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::ask;
using support::bytes_of;
using support::echo;
using support::run_on;
using weft::net::unix_address;
using weft::net::unix_listener;
using weft::net::unix_stream;

static_assert(weft::net::connection_handler<weft::task<> (*)(unix_stream), unix_listener>);
static_assert(!weft::net::connection_handler<weft::task<> (*)(unix_stream&), unix_listener>);
static_assert(
    !weft::net::connection_handler<weft::task<> (*)(weft::net::tcp_stream), unix_listener>);

TEST_CASE_ON_EVERY_BACKEND("a server at a path answers many connections and counts them") {
  weft::net::serve_statistics counted;
  run_on<On>([&]() -> weft::task<> {
    support::temporary_directory const here;
    auto listener = unix_listener::bind(here / "service");
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn(weft::net::serve(listener, echo, {.statistics = &counted}));
      std::vector<unix_stream> clients;
      for (int i = 0; i < 20; ++i) clients.push_back(co_await weft::net::connect(listener.local()));
      for (auto& client : clients) CHECK(co_await ask(client, "question") == "question");
      clients.clear();
      tasks.request_stop();
    });
    listener.close();
    CHECK_FALSE(std::filesystem::exists(here / "service"));
  }());
  CHECK(counted.accepted == 20);
  CHECK(counted.active == 0);
  CHECK(counted.failed == 0);
  CHECK(counted.bytes.bytes_read == 20 * 8);
  CHECK(counted.bytes.bytes_written == 20 * 8);
}

TEST_CASE_ON_EVERY_BACKEND("after a stop who is there is served, and at the deadline cancelled") {
  support::log_catcher const log;
  weft::net::serve_statistics counted;
  run_on<On>([&]() -> weft::task<> {
    auto listener = unix_listener::bind(unix_address());
    auto const at = listener.local();
    unix_stream staying;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn(weft::net::serve(listener, echo, {.drain = 20ms, .statistics = &counted}));
      auto leaving = co_await weft::net::connect(at);
      staying = co_await weft::net::connect(at);
      CHECK(co_await ask(leaving, "before") == "before");
      CHECK(co_await ask(staying, "before") == "before");
      tasks.request_stop();
      auto late = co_await weft::net::connect(at);
      CHECK_THROWS_AS(co_await weft::with_timeout(5ms, ask(late, "late")), weft::timed_out);
      CHECK(co_await ask(leaving, "after") == "after");
    });
    CHECK_FALSE(co_await staying.read());  // closed by the server
  }());
  CHECK(counted.accepted == 2);
  CHECK(counted.cancelled == 1);
  REQUIRE(log.lines().size() == 1);
  CHECK(log.lines()[0] == "serve: 1 connections did not end in time and are cancelled");
}

TEST_CASE_ON_EVERY_BACKEND("handlers see who is there, and one that fails is logged") {
  support::log_catcher const log;
  auto const only_us = [](unix_stream peer) -> weft::task<> {
    if (peer.peer_credentials().pid != ::getpid()) throw std::runtime_error("a stranger");
    auto const question = co_await peer.read();
    if (question.text() == "bad") throw std::runtime_error("a bad question");
    co_await peer.write_all(question);
  };
  run_on<On>([&]() -> weft::task<> {
    auto listener = unix_listener::bind(unix_address());
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn(weft::net::serve(listener, only_us));
      for (std::string const question : {"good", "bad"}) {
        auto client = co_await weft::net::connect(listener.local());
        CHECK(co_await ask(client, question) == (question == "bad" ? "" : question));
      }
      tasks.request_stop();
    });
  }());
  REQUIRE(log.lines().size() == 1);
  CHECK(log.lines()[0] == "serve: a connection failed: a bad question");
}

TEST_CASE_ON_EVERY_BACKEND("when descriptors run out the server says where, and goes on") {
  support::log_catcher const log;
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  std::string at;
  run_on<On>([&]() -> weft::task<> {
    auto listener = unix_listener::bind(unix_address());
    at = listener.local().to_string();
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn(weft::net::serve(listener, echo));
      auto first = co_await weft::net::connect(listener.local());
      CHECK(co_await ask(first, "1") == "1");
      auto second = unix_stream::adopt(::dup(first.get()));
      // Room for one descriptor more: the client's end of the connection.
      rlimit tight = before;
      tight.rlim_cur = static_cast<rlim_t>(second.get()) + 1;
      second.close();
      ::setrlimit(RLIMIT_NOFILE, &tight);
      second = co_await weft::net::connect(listener.local());
      CHECK_THROWS_AS(co_await weft::with_timeout(200ms, ask(second, "2")), weft::timed_out);
      ::setrlimit(RLIMIT_NOFILE, &before);
      std::array<std::byte, 1> room{};
      CHECK(co_await weft::with_timeout(1s, second.read_some(room)) == 1);
      tasks.request_stop();
    });
  }());
  ::setrlimit(RLIMIT_NOFILE, &before);
  REQUIRE(log.lines().size() == 1);
  CHECK(log.lines()[0].starts_with("serve: accept " + at + ": Too many open files"));
}
