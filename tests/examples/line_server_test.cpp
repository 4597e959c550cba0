// line_server: its protocol, its limits, and clients that take their time.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include "examples/served.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;

namespace {

template <class Body>
void on_every_backend(std::vector<std::string> const& further, Body body) {
  for (auto const& backend : real_backends) {
    CAPTURE(backend);
    served server("line_server", backend, further);
    body(server);
    server.signal(SIGTERM);
    auto const ended = server.wait();
    CHECK(ended.code == 0);
    CHECK(ended.err.empty());
  }
}

}  // namespace

TEST_CASE("values are set, found, and deleted, over all connections") {
  on_every_backend({}, [](served const& server) {
    auto client = server.connect();
    CHECK(client.ask("GET color\n") == "NOT_FOUND");
    CHECK(client.ask("DEL color\n") == "NOT_FOUND");
    CHECK(client.ask("SET color dark  blue \n") == "OK");
    CHECK(client.ask("GET color\n") == "VALUE dark  blue ");
    CHECK(server.connect().ask("GET color\n") == "VALUE dark  blue ");
    CHECK(client.ask("SET color red\n") == "OK");
    CHECK(client.ask("GET color\n") == "VALUE red");
    CHECK(client.ask("DEL color\n") == "OK");
    CHECK(client.ask("GET color\n") == "NOT_FOUND");
  });
}

TEST_CASE("commands may be written in any case and end with LF or CRLF") {
  on_every_backend({}, [](served const& server) {
    auto client = server.connect();
    CHECK(client.ask("set A b\r\n") == "OK");
    CHECK(client.ask("Get A\n") == "VALUE b");
    CHECK(client.ask("GET a\r\n") == "NOT_FOUND");
    CHECK(client.ask("dEL A\r\n") == "OK");
    CHECK(client.ask("quit\r\n") == "BYE");
  });
}

TEST_CASE("what is no command is answered with an error, and the connection goes on") {
  on_every_backend({}, [](served const& server) {
    auto client = server.connect();
    for (std::string const line : {"", " ", "PUT a b", " GET a", "GETa"})
      CHECK(client.ask(line + "\n") == "ERROR unknown command");
    for (std::string const line : {"SET", "SET ", "SET a", "SET a ", "SET  b"})
      CHECK(client.ask(line + "\n") == "ERROR SET takes a key and a value");
    for (std::string const line : {"GET", "GET ", "GET a b", "GET  a"})
      CHECK(client.ask(line + "\n") == "ERROR GET takes a key");
    CHECK(client.ask("DEL a b\n") == "ERROR DEL takes a key");
    CHECK(client.ask("GET a\n") == "NOT_FOUND");
  });
}

TEST_CASE("a thousand commands at once are answered in order") {
  on_every_backend({}, [](served const& server) {
    auto client = server.connect();
    std::string commands;
    std::string answers;
    for (int i = 0; i < 500; ++i) {
      auto const number = std::to_string(i);
      commands += "SET key" + number + " value" + number + "\nGET key" + number + "\n";
      answers += "OK\nVALUE value" + number + "\n";
    }
    client.send(commands);
    client.send_end();
    CHECK(client.rest() == answers);
  });
}

TEST_CASE("an answer does not wait for a command that has only begun") {
  on_every_backend({}, [](served const& server) {
    auto client = server.connect();
    CHECK(client.ask("GET a\nGE") == "NOT_FOUND");
    CHECK(client.ask("T b\n") == "NOT_FOUND");
  });
}

TEST_CASE("the last line needs no end") {
  on_every_backend({}, [](served const& server) {
    auto client = server.connect();
    client.send("SET a b\nGET a");
    client.send_end();
    CHECK(client.rest() == "OK\nVALUE b\n");
  });
}

TEST_CASE("QUIT is answered and ends the connection, whatever follows") {
  on_every_backend({}, [](served const& server) {
    auto client = server.connect();
    client.send("GET a\nQUIT\n" + std::string(100'000, 'x'));
    client.send_end();
    CHECK(client.rest() == "NOT_FOUND\nBYE\n");
  });
}

TEST_CASE("a line may be as long as the limit, and no longer") {
  on_every_backend({"--line-limit", "64"}, [](served const& server) {
    std::string const longest = "SET a " + std::string(58, 'x');
    auto client = server.connect();
    CHECK(client.ask(longest + "\n") == "OK");
    CHECK(client.ask(longest + "\r\n") == "OK");
    client.send("GET a\n" + longest + "x\nGET a\n");
    client.send_end();
    CHECK(client.rest() == "VALUE " + std::string(58, 'x') + "\nERROR line too long\n");
    auto endless = server.connect();
    endless.send(std::string(1'000'000, 'x'));  // and no end of the line
    endless.send_end();
    CHECK(endless.rest() == "ERROR line too long\n");
  });
}

TEST_CASE("bytes that dribble in do not keep a connection from being idle") {
  on_every_backend({"--idle-timeout", "0.2"}, [](served const& server) {
    auto const begin = std::chrono::steady_clock::now();
    auto client = server.connect();
    while (!client.readable_within(10)) {
      client.send("x");
      REQUIRE(std::chrono::steady_clock::now() - begin < 30s);
    }
    CHECK(std::chrono::steady_clock::now() - begin >= 200ms);
    CHECK(client.line() == "ERROR idle");
    client.send_end();
    CHECK(client.rest().empty());
  });
}

TEST_CASE("a thousand clients that never end their line do not slow down a good one") {
  support::raise_file_limit();
  on_every_backend({"--idle-timeout", "2"}, [](served const& server) {
    using clock = std::chrono::steady_clock;
    std::vector<plain_socket> slow;
    for (int i = 0; i < 1'000; ++i) slow.push_back(server.connect());
    auto client = server.connect();
    std::vector<clock::duration> waits;
    auto const begin = clock::now();
    // The slow ones send for a while; then all of them are cut off at about the same time.
    while (clock::now() - begin < 2500ms) {
      if (clock::now() - begin < 1500ms) slow[waits.size() % slow.size()].send("x");
      auto const asked = clock::now();
      CHECK(client.ask("GET a\n") == "NOT_FOUND");
      waits.push_back(clock::now() - asked);
      std::this_thread::sleep_for(1ms);
    }
    std::ranges::sort(waits);
    auto const p99 = waits[waits.size() * 99 / 100];
    MESSAGE("99 % of ", waits.size(), " requests: at most ",
            std::chrono::duration<double, std::milli>(p99).count(), " ms");
    CHECK(p99 < 50ms);
    for (auto& each : slow) CHECK(each.line() == "ERROR idle");
  });
}

TEST_CASE("whole lines keep a connection open for longer than the timeout") {
  on_every_backend({"--idle-timeout", "1"}, [](served const& server) {
    auto const begin = std::chrono::steady_clock::now();
    auto client = server.connect();
    while (std::chrono::steady_clock::now() - begin < 1200ms) {
      CHECK_FALSE(client.readable_within(10));
      CHECK(client.ask("GET a\n") == "NOT_FOUND");
    }
  });
}

TEST_CASE("a client that does not read its answers is idle, too") {
  on_every_backend({"--idle-timeout", "0.1", "--max-connections", "1"}, [](served const& server) {
    auto client = server.connect();
    CHECK(client.ask("SET a " + std::string(4000, 'x') + "\n") == "OK");
    std::string commands;
    for (int i = 0; i < 4'000; ++i) commands += "GET a\n";
    client.send(commands);  // for 16 MB of answers
    // There is room for another one when this client has been dropped.
    CHECK(server.connect().ask("GET b\n") == "NOT_FOUND");
  });
}
