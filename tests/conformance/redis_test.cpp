// The client of Redis, with a real server, and with one that says what it should not.
#include "weft/net/redis/client.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/redis_server.hpp"
#include "weft/net.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::redis_server;
using support::run_on;
using weft::net::redis_client;
using weft::net::redis_reply;
using kind = redis_reply::kind;

namespace {

// What a step throws, as text.
weft::task<std::string> thrown_by(weft::task<redis_reply> step) {
  try {
    co_await std::move(step);
  } catch (std::exception const& error) {
    co_return error.what();
  }
  co_return "nothing was thrown";
}

// Runs the body with a client of the server.
void with_client(std::string server,
                 std::function<weft::task<>(redis_client&, weft::task_scope&)> const& body,
                 weft::net::redis_options options = {}) {
  run_on<On>([](auto address, auto const& with, auto settings) -> weft::task<> {
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      redis_client redis(tasks, address, settings);
      co_await with(redis, tasks);
    });
  }(std::move(server), body, std::move(options)));
}

// A server that answers whatever comes with these bytes, and then ends.
void with_answer(std::string answer, std::function<weft::task<>(redis_client&)> const& body,
                 weft::net::redis_options options = {}) {
  run_on<On>([](auto said, auto const& with, auto settings) -> weft::task<> {
    auto listener = weft::net::tcp_listener::bind("127.0.0.1:0");
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto serving = tasks.spawn([&]() -> weft::task<> {
        for (;;) {
          auto peer = co_await listener.accept();
          co_await peer.read();
          co_await peer.write_all(support::bytes_of(said));
        }
      });
      redis_client redis(tasks, listener.local().to_string(), settings);
      co_await with(redis);
      serving.cancel();
    });
  }(std::move(answer), body, std::move(options)));
}

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("replies of every kind come back as the server has them") {
  if (!redis_server::is_there()) return;
  redis_server const server;
  with_client(server.socket(), [](redis_client& redis, weft::task_scope&) -> weft::task<> {
    std::string const bytes("\0\r\n$5\xff", 7);
    CHECK((co_await redis.command("SET", bytes, bytes)).is_ok());
    auto const got = co_await redis.command("GET", bytes);
    CHECK(got.type == kind::string);
    CHECK(got.text == bytes);
    CHECK((co_await redis.command("GET", "none")).is_nil());
    auto const sum = co_await redis.command("INCRBY", "n", -42);
    CHECK(sum.type == kind::integer);
    CHECK(sum.integer == -42);
    auto const nested = co_await redis.command(
        "EVAL", "return {1, 'two', {3, {}, false}, redis.status_reply('four')}", 0);
    REQUIRE(nested.items.size() == 4);
    CHECK(nested.items[0].integer == 1);
    CHECK(nested.items[1].text == "two");
    REQUIRE(nested.items[2].items.size() == 3);
    CHECK(nested.items[2].items[1].type == kind::array);
    CHECK(nested.items[2].items[2].is_nil());
    CHECK(nested.items[3].type == kind::status);
    auto const large = support::pattern(5'000'000);
    co_await redis.command("SET", "large", large);
    CHECK((co_await redis.command("GET", "large")).text == large);
  });
}

TEST_CASE_ON_REAL_BACKENDS("tasks share a connection, and each gets its own reply") {
  if (!redis_server::is_there()) return;
  redis_server const server;
  with_client(server.socket(), [](redis_client& redis, weft::task_scope&) -> weft::task<> {
    int right = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 1'000; ++i)
        tasks.spawn([&redis, &right, i]() -> weft::task<> {
          auto const key = "key" + std::to_string(i);
          co_await redis.command("SET", key, i);
          if ((co_await redis.command("GET", key)).text == std::to_string(i)) ++right;
        });
      co_return;
    });
    CHECK(right == 1'000);
    auto const clients = co_await redis.command("CLIENT", "LIST");
    CHECK(std::ranges::count(clients.text, '\n') == 1);
  });
}

TEST_CASE_ON_REAL_BACKENDS("what the server refuses is thrown, and the connection goes on") {
  if (!redis_server::is_there()) return;
  redis_server const server;
  with_client(server.socket(), [](redis_client& redis, weft::task_scope&) -> weft::task<> {
    co_await redis.command("SET", "text", "x");
    try {
      co_await redis.command("LPUSH", "text", 1);
      FAIL("pushed onto a text");
    } catch (weft::net::redis_error const& error) {
      CHECK(error.code() == "WRONGTYPE");
    }
    CHECK((co_await redis.command("GET", "text")).text == "x");
    CHECK_THROWS_AS(std::ignore = redis.command(std::vector<std::string>()), std::invalid_argument);
  });
}

TEST_CASE_ON_REAL_BACKENDS("a command that is cancelled takes no reply from others") {
  if (!redis_server::is_there()) return;
  redis_server const server;
  with_client(server.socket(), [](redis_client& redis, weft::task_scope&) -> weft::task<> {
    co_await redis.command("SET", "key", "value");
    CHECK_THROWS_AS(
        co_await weft::with_timeout(1ms, redis.command("BLPOP", "empty", std::string("0.05"))),
        weft::timed_out);
    CHECK((co_await redis.command("GET", "key")).text == "value");
  });
}

TEST_CASE_ON_REAL_BACKENDS("a lost connection fails what waits, and the next command connects") {
  if (!redis_server::is_there()) return;
  redis_server server;
  with_client(server.socket(), [&](redis_client& redis, weft::task_scope&) -> weft::task<> {
    co_await redis.command("SET", "key", "value");
    std::string waiting;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        waiting = co_await thrown_by(redis.command("BLPOP", "empty", 0));
      });
      co_await weft::sleep_for(10ms);
      server.kill();
    });
    CHECK(waiting == "redis " + server.socket() +
                         ": the connection was lost before the reply: Connection reset by peer");
    auto const refused = co_await thrown_by(redis.command("PING"));
    CHECK(refused.starts_with("connect " + server.socket() + ": "));
    server.start();
    CHECK((co_await redis.command("PING")).text == "PONG");
    redis.close();
    CHECK((co_await redis.command("PING")).text == "PONG");
  });
}

TEST_CASE_ON_REAL_BACKENDS("closing the client ends what waits") {
  if (!redis_server::is_there()) return;
  redis_server const server;
  with_client(server.socket(), [](redis_client& redis, weft::task_scope& tasks) -> weft::task<> {
    co_await redis.command("PING");  // it is connected
    auto waiting = tasks.spawn(thrown_by(redis.command("BLPOP", "empty", 0)));
    co_await weft::yield();
    redis.close();
    CHECK((co_await waiting).ends_with("lost before the reply: Operation canceled"));
  });
}

TEST_CASE_ON_REAL_BACKENDS("a password and a database are given before anything else") {
  if (!redis_server::is_there()) return;
  redis_server const server({"--requirepass", "open sesame"});
  with_client(server.socket(), [](redis_client& redis, weft::task_scope&) -> weft::task<> {
    CHECK((co_await thrown_by(redis.command("PING"))).starts_with("NOAUTH "));
  });
  auto const wrong = [](redis_client& redis, weft::task_scope&) -> weft::task<> {
    CHECK((co_await thrown_by(redis.command("PING"))).starts_with("WRONGPASS "));
  };
  with_client(server.socket(), wrong, {.password = "wrong"});
  auto const right = [](redis_client& redis, weft::task_scope&) -> weft::task<> {
    auto const clients = co_await redis.command("CLIENT", "LIST");
    CHECK(clients.text.find(" db=3 ") != std::string::npos);
  };
  with_client(server.socket(), right,
              {.user = "default", .password = "open sesame", .database = 3});
}

TEST_CASE_ON_REAL_BACKENDS("what is published comes as a sequence, from channels and patterns") {
  if (!redis_server::is_there()) return;
  redis_server server;
  with_client(server.socket(), [&](redis_client& redis, weft::task_scope&) -> weft::task<> {
    {
      auto news = redis.subscribe({"news"}, {"log.*"});
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        tasks.spawn([&]() -> weft::task<> {
          while ((co_await redis.command("PUBLISH", "news", "first")).integer == 0)
            co_await weft::yield();  // until there is a subscriber
          co_await redis.command("PUBLISH", "log.disk", "full");
        });
        auto const first = co_await news.next();
        REQUIRE(first.has_value());
        CHECK(first->channel == "news");
        CHECK(first->payload == "first");
        auto const second = co_await news.next();
        REQUIRE(second.has_value());
        CHECK(second->channel == "log.disk");
        CHECK(second->pattern == "log.*");
        CHECK(second->payload == "full");
      });
    }
    while ((co_await redis.command("PUBLISH", "news", "nobody")).integer != 0)
      co_await weft::yield();
    CHECK_THROWS_AS(std::ignore = redis.subscribe({}), std::invalid_argument);
  });
}

TEST_CASE_ON_REAL_BACKENDS("a server that does not keep to the protocol is left") {
  with_answer("!what is this\r\n", [](redis_client& redis) -> weft::task<> {
    CHECK((co_await thrown_by(redis.command("PING")))
              .starts_with("weft: what the server sent is no Redis protocol: "));
  });
  with_answer("+PONG\r\n+more\r\n", [](redis_client& redis) -> weft::task<> {
    CHECK((co_await redis.command("PING")).text == "PONG");
    co_await weft::sleep_for(1ms);
    CHECK((co_await redis.command("PING")).text == "PONG");  // over a new connection
  });
  auto const large = [](redis_client& redis) -> weft::task<> {
    CHECK(co_await thrown_by(redis.command("PING")) ==
          "weft: a reply of Redis has more than 100 bytes");
  };
  with_answer("$1000\r\n" + std::string(500, 'x'), large, {.reply_limit_bytes = 100});
  with_answer("*2147483647\r\n+one\r\n", [](redis_client& redis) -> weft::task<> {
    CHECK((co_await thrown_by(redis.command("PING"))).ends_with("Connection reset by peer"));
  });
}

namespace {

// A server that takes connections and says nothing; counts them.
void with_silence(std::function<weft::task<>(redis_client&, int& connections)> const& body,
                  weft::net::redis_options options) {
  run_on<On>([](auto const& with, auto settings) -> weft::task<> {
    auto listener = weft::net::tcp_listener::bind("127.0.0.1:0");
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      int connections = 0;
      std::vector<weft::net::tcp_stream> held;
      auto serving = tasks.spawn([&]() -> weft::task<> {
        for (;;) {
          held.push_back(co_await listener.accept());
          ++connections;
        }
      });
      redis_client redis(tasks, listener.local().to_string(), settings);
      co_await with(redis, connections);
      serving.cancel();
    });
  }(body, std::move(options)));
}

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("tasks that wait for one attempt to connect share its failure") {
  auto const body = [](redis_client& redis, int& connections) -> weft::task<> {
    int timed_out = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 10; ++i)
        tasks.spawn([&]() -> weft::task<> {
          try {
            co_await redis.command("PING");
          } catch (weft::timed_out const&) {
            ++timed_out;
          }
        });
      co_return;
    });
    CHECK(timed_out == 10);
    CHECK(connections == 1);
    CHECK_THROWS_AS(co_await redis.command("PING"), weft::timed_out);
    CHECK(connections == 2);
  };
  with_silence(body, {.password = "x", .connect_timeout = 100ms});
}

TEST_CASE_ON_REAL_BACKENDS("a client that is closed while it connects has no connection") {
  auto const body = [](redis_client& redis, int&) -> weft::task<> {
    std::string why;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> { why = co_await thrown_by(redis.command("PING")); });
      co_await weft::yield();
      redis.close();
    });
    CHECK(why.find("closed while connecting") != std::string::npos);
  };
  with_silence(body, {});
}

TEST_CASE_ON_REAL_BACKENDS("a server that answers none of a thousand abandoned commands is left") {
  auto const body = [](redis_client& redis, int& connections) -> weft::task<> {
    auto const abandon = [&](int count) -> weft::task<> {
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        std::vector<weft::join_handle<std::string>> asking;
        for (int i = 0; i < count; ++i)
          asking.push_back(tasks.spawn(thrown_by(redis.command("PING"))));
        co_await weft::sleep_for(5ms);
        for (auto& each : asking) each.cancel();
      });
    };
    int asked = 0;
    for (; connections < 2 && asked < 10'000; asked += 100) co_await abandon(100);
    CHECK(connections == 2);
    CHECK(asked > 1'000);
  };
  with_silence(body, {});
}

TEST_CASE_ON_REAL_BACKENDS("the limit is that of one reply") {
  if (!redis_server::is_there()) return;
  redis_server const server;
  auto const body = [](redis_client& redis, weft::task_scope&) -> weft::task<> {
    co_await redis.command("SET", "key", std::string(90, 'x'));
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 500; ++i)
        tasks.spawn([&]() -> weft::task<> { co_await redis.command("GET", "key"); });
      co_return;
    });
    co_await redis.command("SET", "key", std::string(200, 'x'));
    CHECK(co_await thrown_by(redis.command("GET", "key")) ==
          "weft: a reply of Redis has more than 100 bytes");
  };
  with_client(server.socket(), body, {.reply_limit_bytes = 100});
}

TEST_CASE_ON_REAL_BACKENDS("an address that is none, or where nobody is, is told in one line") {
  run_on<On>([]() -> weft::task<> {
    co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
      CHECK_THROWS_WITH_AS(redis_client(tasks, "nonsense"),
                           "weft: 'nonsense' is no address of a Redis server; use HOST:PORT, or "
                           "the path of a socket",
                           std::invalid_argument);
      redis_client redis(tasks, "127.0.0.1:1");
      CHECK((co_await thrown_by(redis.command("PING"))).find("refused") != std::string::npos);
    });
  }());
}
