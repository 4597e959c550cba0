// serve: accepting, containing failures, limits, and the way from stop to the end.
#include <sys/resource.h>

#include <array>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/log_catcher.hpp"
#include "support/streams.hpp"
#include "weft/net.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::ask;
using support::bytes_of;
using support::echo;
using support::run_on;
using weft::net::tcp_listener;
using weft::net::tcp_stream;

namespace {

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

// A handler must own its stream.
template <class Handler>
constexpr bool is_handler = weft::net::connection_handler<Handler, tcp_listener>;
static_assert(is_handler<weft::task<> (*)(tcp_stream)>);
static_assert(!is_handler<weft::task<> (*)(tcp_stream const&)>);
static_assert(!is_handler<weft::task<> (*)(tcp_stream&)>);

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
  support::log_catcher const log;
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
  REQUIRE(log.lines().size() == 1);
  CHECK(log.lines()[0] == "serve: a connection failed: a bad question");
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
  support::log_catcher const log;
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
  CHECK(log.lines().size() == 1);
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

TEST_CASE_ON_EVERY_BACKEND("a listener that is closed ends the server, once all are served") {
  weft::net::serve_statistics counted;
  run_on<On>([&]() -> weft::task<> {
    auto listener = tcp_listener::bind("127.0.0.1:0");
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const server = tasks.spawn(
          weft::as_result(weft::net::serve(listener, echo, {.drain = 1h, .statistics = &counted})));
      auto client = co_await weft::net::connect(listener.local());
      CHECK(co_await ask(client, "before") == "before");
      listener.close();
      CHECK(co_await ask(client, "after") == "after");
      client.close();
      auto const ended = co_await server;
      CHECK(ended.error() == std::errc::operation_canceled);
    });
  }());
  CHECK(counted.cancelled == 0);
}

TEST_CASE_ON_EVERY_BACKEND("statistics may be set to zero while connections are open") {
  weft::net::serve_statistics counted;
  run_on<On>(with_server(echo, {.max_connections = 2, .drain = 1h, .statistics = &counted},
                         [&](auto at) -> weft::task<> {
                           auto first = co_await weft::net::connect(at);
                           auto second = co_await weft::net::connect(at);
                           CHECK(co_await ask(first, "1") == "1");
                           CHECK(co_await ask(second, "2") == "2");
                           counted = {};
                           auto third = co_await weft::net::connect(at);
                           CHECK_THROWS_AS(co_await weft::with_timeout(5ms, ask(third, "3")),
                                           weft::timed_out);
                           CHECK(counted.accepted == 0);
                           first.close();
                           CHECK(co_await support::next_text(third) == "3");
                           CHECK(counted.accepted == 1);
                         }));
}

TEST_CASE_ON_EVERY_BACKEND("two servers may count in the same statistics") {
  weft::net::serve_statistics counted;
  run_on<On>(with_server(echo, {.drain = 1h, .statistics = &counted}, [&](auto at) -> weft::task<> {
    auto client = co_await weft::net::connect(at);
    co_await with_server(echo, {.drain = 1h, .statistics = &counted},
                         [&](auto other) -> weft::task<> {
                           auto another = co_await weft::net::connect(other);
                           CHECK(co_await ask(another, "x") == "x");
                         });
    CHECK(co_await ask(client, "y") == "y");
  }));
  CHECK(counted.accepted == 2);
  CHECK(counted.active == 0);
}

TEST_CASE_ON_EVERY_BACKEND("a stream that a handler gives away outlives the server") {
  run_on<On>([]() -> weft::task<> {
    tcp_stream given;
    tcp_stream client;
    weft::event gave;
    auto const give_away = [&](tcp_stream peer) -> weft::task<> {
      given = std::move(peer);
      gave.set();
      co_return;
    };
    co_await with_server(give_away, {}, [&](auto at) -> weft::task<> {
      client = co_await weft::net::connect(at);
      co_await gave.wait();
    });
    co_await given.write_all(bytes_of("still here"));
    CHECK(co_await support::next_text(client) == "still here");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a server for no connections at all is refused") {
  run_on<On>([]() -> weft::task<> {
    auto listener = tcp_listener::bind("127.0.0.1:0");
    CHECK_THROWS_AS(co_await weft::net::serve(listener, echo, {.max_connections = 0}),
                    std::invalid_argument);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("task-locals reach the handlers") {
  weft::task_local<int> number;
  int seen = 0;
  auto const see = [&](tcp_stream) -> weft::task<> {
    seen = number.get();
    co_return;
  };
  run_on<On>(number.with(7, with_server(see, {}, [](auto at) -> weft::task<> {
                           auto client = co_await weft::net::connect(at);
                           CHECK_FALSE(co_await client.read());
                         })));
  CHECK(seen == 7);
}

TEST_CASE_ON_EVERY_BACKEND("a log hook may ask for the time when a connection has failed") {
  static thread_local std::int64_t said_at;
  said_at = 0;
  auto const before = weft::set_log_hook([](weft::log_level, std::string_view) noexcept {
    said_at = weft::now().time_since_epoch().count();
  });
  auto const fail = [](tcp_stream) -> weft::task<> {
    co_await weft::yield();
    throw std::runtime_error("a failure");
  };
  run_on<On>(with_server(fail, {}, [](auto at) -> weft::task<> {
    auto client = co_await weft::net::connect(at);
    CHECK_FALSE(co_await client.read());
  }));
  weft::set_log_hook(before);
  CHECK(said_at != 0);
}

namespace {

// Listens, and has no memory the first time it is asked.
struct scarce_listener {
  using stream_type = tcp_stream;
  tcp_listener& listener;
  bool scarce = true;

  weft::task<tcp_stream> accept() {
    if (std::exchange(scarce, false)) throw std::bad_alloc();
    co_return co_await listener.accept();
  }
};

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("when memory runs out accepting pauses, says so once and goes on") {
  support::log_catcher const log;
  run_on<On>([]() -> weft::task<> {
    auto listener = tcp_listener::bind("127.0.0.1:0");
    scarce_listener scarce{listener};
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn(weft::net::serve(scarce, echo));
      auto client = co_await weft::net::connect(listener.local());
      CHECK(co_await ask(client, "x") == "x");
      tasks.request_stop();
    });
  }());
  REQUIRE(log.lines().size() == 1);
  CHECK(log.lines()[0] == "serve: std::bad_alloc; accepting goes on when there is room again");
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
  support::log_catcher const log;
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
  REQUIRE(log.lines().size() == 1);
  CHECK(log.lines()[0].starts_with("serve: accept 127.0.0.1:"));
  CHECK(log.lines()[0].find("Too many open files") != std::string::npos);
}
