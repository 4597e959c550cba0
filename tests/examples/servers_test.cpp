// What the examples that serve have in common: the first line, and how signals end them.
#include <csignal>

#include "examples/served.hpp"

#include <doctest/doctest.h>

namespace {

template <class Body>
void for_every_server(Body body) {
  for (std::string const name : {"echo_server", "line_server"}) {
    for (auto const& backend : real_backends) {
      CAPTURE(name);
      CAPTURE(backend);
      body(name, backend);
    }
  }
}

// What both servers answer with one line.
void ask(plain_socket& client, std::string const& name) {
  CHECK(client.ask("GET x\n") == (name == "echo_server" ? "GET x" : "NOT_FOUND"));
}

}  // namespace

TEST_CASE("the first line tells where a server listens and on what, also into a pipe") {
  for_every_server([](std::string const& name, std::string const& backend) {
    served server(name, backend);
    CHECK(server.first_line() == "listening on 127.0.0.1:" + std::to_string(server.port()) +
                                     (backend == "uring" ? " (io_uring)" : " (epoll)"));
    auto client = server.connect();
    ask(client, name);
    server.signal(SIGTERM);
    client.send_end();
    auto const ended = server.wait();
    CHECK(ended.out == server.first_line() + "\n");
    CHECK(ended.err.empty());
  });
}

TEST_CASE("a signal ends a server that has nothing to do with exit code 0") {
  for_every_server([](std::string const& name, std::string const& backend) {
    for (int const signal : {SIGTERM, SIGINT}) {
      served server(name, backend);
      server.signal(signal);
      CHECK(server.wait().code == 0);
    }
  });
}

TEST_CASE("after a signal the open connections are served to their end") {
  for_every_server([](std::string const& name, std::string const& backend) {
    served server(name, backend);
    auto client = server.connect();
    ask(client, name);
    server.signal(SIGTERM);
    ask(client, name);
    client.send_end();
    CHECK(client.rest().empty());
    auto const ended = server.wait();
    CHECK(ended.code == 0);
    CHECK(ended.err.empty());
  });
}

TEST_CASE("a second signal ends a server that is draining at once") {
  for_every_server([](std::string const& name, std::string const& backend) {
    served server(name, backend);
    auto client = server.connect();
    ask(client, name);
    server.signal(SIGTERM);
    ask(client, name);  // the server ran since, so it has had the first signal
    server.signal(SIGTERM);
    CHECK(server.wait().code == 128 + SIGTERM);
  });
}

TEST_CASE("at its limit of connections a server lets further ones wait") {
  for_every_server([](std::string const& name, std::string const& backend) {
    served const server(name, backend, {"--max-connections", "1"});
    auto first = server.connect();
    ask(first, name);
    auto second = server.connect();
    second.send("GET y\n");
    CHECK_FALSE(second.readable_within(20));
    first.send_end();
    CHECK(second.line() == (name == "echo_server" ? "GET y" : "NOT_FOUND"));
  });
}
