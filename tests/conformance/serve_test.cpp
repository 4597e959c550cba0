// serve: accepting, containing failures, limits, and the way from stop to the end.
#include <sys/resource.h>

#include <array>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "weft/log.hpp"
#include "weft/net.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::bytes_of;
using support::run_on;
using weft::net::tcp_listener;
using weft::net::tcp_stream;

namespace {

weft::task<> echo(tcp_stream peer) {
  while (weft::buffer data = co_await peer.read()) co_await peer.write_all(data);
}

weft::task<std::string> ask(tcp_stream& server, std::string question) {
  co_await server.write_all(bytes_of(question));
  std::string answer;
  while (answer.size() < question.size()) {
    auto const data = co_await server.read();
    if (!data) break;
    answer += data.text();
  }
  co_return answer;
}

// Runs `client` beside a server; a stop is requested when it has ended.
template <class Handler, class Client>
weft::task<> with_server(Handler handler, weft::net::serve_options options, Client client) {
  auto listener = tcp_listener::bind("127.0.0.1:0");
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(weft::net::serve(listener, handler, options));
    co_await client(listener.local());
    tasks.request_stop();
  });
}

thread_local std::vector<std::string> logged;

// Collects what is logged on this thread while it lives.
class log_catcher {
 public:
  log_catcher() : before_(weft::set_log_hook(keep)) { logged.clear(); }
  ~log_catcher() { weft::set_log_hook(before_); }
  log_catcher(log_catcher const&) = delete;
  log_catcher& operator=(log_catcher const&) = delete;

 private:
  static void keep(weft::log_level, std::string_view message) noexcept {
    logged.emplace_back(message);
  }
  weft::log_hook before_;
};

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("a server answers many connections at once and counts them") {
  weft::net::serve_statistics counted;
  run_on<On>(with_server(echo, {.statistics = &counted}, [](auto at) -> weft::task<> {
    std::vector<tcp_stream> clients;
    for (int i = 0; i < 20; ++i) clients.push_back(co_await weft::net::connect(at));
    for (int round = 0; round < 3; ++round)
      for (auto& client : clients) CHECK(co_await ask(client, "question") == "question");
  }));
  CHECK(counted.accepted == 20);
  CHECK(counted.active == 0);
  CHECK(counted.failed == 0);
  CHECK(counted.bytes.bytes_read == 20 * 3 * 8);
  CHECK(counted.bytes.bytes_written == 20 * 3 * 8);
}

TEST_CASE_ON_EVERY_BACKEND("what a handler throws ends its connection only, and is logged") {
  log_catcher const catcher;
  weft::net::serve_statistics counted;
  auto moody = [](tcp_stream peer) -> weft::task<> {
    auto const data = co_await peer.read();
    if (data.text() == "bad") throw std::runtime_error("a bad question");
    co_await peer.write_all(data);
  };
  run_on<On>(with_server(moody, {.statistics = &counted}, [](auto at) -> weft::task<> {
    for (std::string const question : {"good", "bad", "fine"}) {
      auto client = co_await weft::net::connect(at);
      CHECK(co_await ask(client, question) == (question == "bad" ? "" : question));
    }
  }));
  CHECK(counted.accepted == 3);
  CHECK(counted.failed == 1);
  REQUIRE(logged.size() == 1);
  CHECK(logged[0] == "serve: a connection failed: a bad question");
}

TEST_CASE_ON_EVERY_BACKEND("at the limit further connections wait in the backlog") {
  weft::net::serve_statistics counted;
  run_on<On>(with_server(
      echo, {.max_connections = 2, .statistics = &counted}, [&](auto at) -> weft::task<> {
        auto first = co_await weft::net::connect(at);
        auto second = co_await weft::net::connect(at);
        CHECK(co_await ask(first, "1") == "1");
        CHECK(co_await ask(second, "2") == "2");
        auto third = co_await weft::net::connect(at);
        CHECK_THROWS_AS(co_await weft::with_timeout(5ms, ask(third, "3")), weft::timed_out);
        CHECK(counted.active == 2);
        first.close();
        std::array<std::byte, 1> room{};
        CHECK(co_await third.read_some(room) == 1);
        CHECK(counted.accepted == 3);
      }));
}

TEST_CASE_ON_EVERY_BACKEND("at the limit a server may refuse instead") {
  weft::net::serve_statistics counted;
  run_on<On>(with_server(
      echo, {.max_connections = 1, .at_limit = weft::net::overload::refuse, .statistics = &counted},
      [](auto at) -> weft::task<> {
        auto first = co_await weft::net::connect(at);
        CHECK(co_await ask(first, "1") == "1");
        auto second = co_await weft::net::connect(at);
        CHECK_FALSE(co_await second.read());
      }));
  CHECK(counted.accepted == 1);
  CHECK(counted.refused == 1);
}

TEST_CASE_ON_EVERY_BACKEND(
    "after a stop nobody is accepted, and who is there is served to the end") {
  weft::net::serve_statistics counted;
  auto listener = tcp_listener::bind("127.0.0.1:0");
  run_on<On>([&]() -> weft::task<> {
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn(weft::net::serve(listener, echo, {.drain = 1h, .statistics = &counted}));
      auto client = co_await weft::net::connect(listener.local());
      CHECK(co_await ask(client, "before") == "before");
      tasks.request_stop();
      auto late = co_await weft::net::connect(listener.local());
      CHECK_THROWS_AS(co_await weft::with_timeout(5ms, ask(late, "late")), weft::timed_out);
      CHECK(co_await ask(client, "after") == "after");
      client.close();
    });
  }());
  CHECK(counted.accepted == 1);
  CHECK(counted.cancelled == 0);
}

TEST_CASE_ON_EVERY_BACKEND("what has not ended at the drain deadline is cancelled") {
  log_catcher const catcher;
  weft::net::serve_statistics counted;
  run_on<On>([&]() -> weft::task<> {
    tcp_stream client;
    co_await with_server(echo, {.drain = 5ms, .statistics = &counted},
                         [&](auto at) -> weft::task<> {
                           client = co_await weft::net::connect(at);
                           CHECK(co_await ask(client, "x") == "x");
                         });
    CHECK_FALSE(co_await client.read());  // closed by the server
  }());
  CHECK(counted.cancelled == 1);
  CHECK(counted.failed == 0);
  CHECK(logged.size() == 1);
}

TEST_CASE_ON_EVERY_BACKEND("a cancelled server cancels its connections and ends as cancelled") {
  weft::net::serve_statistics counted;
  run_on<On>([&]() -> weft::task<> {
    auto listener = tcp_listener::bind("127.0.0.1:0");
    tcp_stream client;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const server =
          tasks.spawn(weft::net::serve(listener, echo, {.drain = 1h, .statistics = &counted}));
      client = co_await weft::net::connect(listener.local());
      CHECK(co_await ask(client, "x") == "x");
      server.cancel();
      CHECK_THROWS_AS(co_await server, weft::child_cancelled);
    });
    CHECK_FALSE(co_await client.read());
  }());
  CHECK(counted.active == 0);
  CHECK(counted.cancelled == 1);
}

TEST_CASE_ON_EVERY_BACKEND("several listeners feed one server") {
  run_on<On>([]() -> weft::task<> {
    std::array<tcp_listener, 2> listeners{tcp_listener::bind("127.0.0.1:0"),
                                          tcp_listener::bind("127.0.0.1:0")};
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn(weft::net::serve(listeners, echo));
      for (auto const& listener : listeners) {
        auto client = co_await weft::net::connect(listener.local());
        CHECK(co_await ask(client, "x") == "x");
      }
      tasks.request_stop();
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("when descriptors run out accepting pauses, says so once and goes on") {
  log_catcher const catcher;
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  run_on<On>(with_server(echo, {}, [&](auto at) -> weft::task<> {
    auto first = co_await weft::net::connect(at);
    CHECK(co_await ask(first, "1") == "1");
    auto second = tcp_stream::adopt(::dup(first.get()));
    // Room for one descriptor more: the client's end of the connection.
    rlimit tight = before;
    tight.rlim_cur = static_cast<rlim_t>(second.get()) + 1;
    second.close();
    ::setrlimit(RLIMIT_NOFILE, &tight);
    second = co_await weft::net::connect(at);
    CHECK_THROWS_AS(co_await weft::with_timeout(200ms, ask(second, "2")), weft::timed_out);
    ::setrlimit(RLIMIT_NOFILE, &before);
    std::array<std::byte, 1> room{};
    CHECK(co_await weft::with_timeout(1s, second.read_some(room)) == 1);
  }));
  ::setrlimit(RLIMIT_NOFILE, &before);
  REQUIRE(logged.size() == 1);
  CHECK(logged[0].starts_with("serve: accept 127.0.0.1:"));
  CHECK(logged[0].find("Too many open files") != std::string::npos);
}
