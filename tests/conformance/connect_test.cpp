// Names of hosts: resolving them, and connecting to whichever of their addresses answers.
#include "weft/net/connect.hpp"

#include <doctest/doctest.h>

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "support/streams.hpp"
#include "weft/net/resolve.hpp"
#include "weft/net/serve.hpp"
#include "weft/result.hpp"
#include "weft/scope.hpp"
#include "weft/timeout.hpp"

using namespace std::chrono_literals;
using support::run_on;
using weft::net::endpoint;
using weft::net::tcp_listener;

namespace {

// A port of this machine that refuses, since the socket that has it does not listen.
class refusing_port {
 public:
  explicit refusing_port(weft::net::address const& at)
      : listener_(tcp_listener::bind(endpoint(at, 0))), peer_(listener_.local()) {
    listener_.close();
  }
  [[nodiscard]] endpoint const& peer() const noexcept { return peer_; }

 private:
  tcp_listener listener_;
  endpoint peer_;
};

endpoint refusing() { return refusing_port(weft::net::address::loopback_v4()).peer(); }

// A listener whose queue of connections is full, so that a further one is not answered.
class silent_port {
 public:
  silent_port() {
    // The kernel lets one more than the backlog in, and answers no further ones.
    for (int i = 0; i < 4; ++i) waiting_.push_back(ask());
  }
  ~silent_port() {
    for (int const fd : waiting_) ::close(fd);
  }
  silent_port(silent_port const&) = delete;
  silent_port& operator=(silent_port const&) = delete;

  [[nodiscard]] endpoint peer() const { return listener_.local(); }

 private:
  [[nodiscard]] int ask() const {
    auto const address = weft::detail::to_sockaddr(peer());
    int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ::connect(fd, address.get(), address.size);
    return fd;
  }

  tcp_listener listener_ = tcp_listener::bind("127.0.0.1:0", {.backlog = 0});
  std::vector<int> waiting_;
};

// What the attempt throws, in words.
weft::task<std::string> failure_of(weft::task<weft::net::tcp_stream> connecting) {
  try {
    co_await std::move(connecting);
  } catch (std::system_error const& error) {
    co_return error.what();
  }
  co_return "connected";
}

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("an address and a port are resolved without asking anybody") {
  run_on<On>([]() -> weft::task<> {
    auto const v4 = co_await weft::net::resolve("192.0.2.1", "80");
    CHECK(v4 == std::vector{endpoint::parse("192.0.2.1:80")});
    auto const v6 = co_await weft::net::resolve("2001:db8::1", "443");
    CHECK(v6 == std::vector{endpoint::parse("[2001:db8::1]:443")});
  }());
}

TEST_CASE_ON_REAL_BACKENDS(
    "a number that is no port is refused, whatever getaddrinfo makes of it") {
  run_on<On>([]() -> weft::task<> {
    for (std::string const service : {"65536", "65616", "4294967376", " 80", "+80", "-1"})
      for (std::string const host : {"127.0.0.1", "localhost"}) {
        auto const found = co_await weft::as_result(weft::net::resolve(host, service));
        CAPTURE(service);
        CHECK_FALSE(found);
      }
  }());
}

TEST_CASE_ON_REAL_BACKENDS("localhost and a service's name are resolved as the system does") {
  run_on<On>([]() -> weft::task<> {
    auto const found = co_await weft::net::resolve("localhost", "8080");
    REQUIRE_FALSE(found.empty());
    for (endpoint const& each : found) {
      CHECK(each.address().is_loopback());
      CHECK(each.port() == 8080);
    }
  }());
}

TEST_CASE_ON_REAL_BACKENDS("what cannot be resolved is said with the name and the reason") {
  run_on<On>([]() -> weft::task<> {
    std::string said;
    int code = 0;
    try {
      co_await weft::net::resolve("127.0.0.1", "no-such-service");
    } catch (std::system_error const& error) {
      CHECK(error.code().category() == weft::net::resolve_category());
      said = error.what();
      code = error.code().value();
    }
    CHECK(code == EAI_SERVICE);
    CHECK(said == std::string("resolve 127.0.0.1:no-such-service: ") + ::gai_strerror(EAI_SERVICE));
    for (std::string const& host : {std::string(), std::string("a\0b", 3)}) {
      bool refused = false;
      try {
        co_await weft::net::resolve(host, "80");
      } catch (std::system_error const& error) {
        refused = error.code() == std::error_code(EAI_NONAME, weft::net::resolve_category());
      }
      CHECK(refused);
    }
  }());
}

TEST_CASE_ON_REAL_BACKENDS("connecting by name reaches a listener on one of its addresses") {
  run_on<On>([]() -> weft::task<> {
    auto listener = tcp_listener::bind("127.0.0.1:0");
    auto stream = co_await weft::net::connect("localhost", listener.local().port());
    auto accepted = co_await listener.accept();
    CHECK(accepted.peer() == stream.local());
  }());
}

TEST_CASE_ON_REAL_BACKENDS("an address that refuses is passed over at once") {
  run_on<On>([]() -> weft::task<> {
    auto listener = tcp_listener::bind("127.0.0.1:0");
    std::vector const peers{refusing(), refusing(), listener.local()};
    // The delay would not end within the test.
    auto stream = co_await weft::net::connect(peers, "test", {.attempt_delay = 1h});
    CHECK(stream.peer() == listener.local());
  }());
}

TEST_CASE_ON_REAL_BACKENDS("an address that is silent does not hold up the next for long") {
  run_on<On>([]() -> weft::task<> {
    silent_port const silent;
    auto listener = tcp_listener::bind("127.0.0.1:0");
    auto const before = support::open_descriptors();
    {
      std::vector const peers{silent.peer(), listener.local()};
      auto stream = co_await weft::net::connect(peers, "test", {.attempt_delay = 10ms});
      CHECK(stream.peer() == listener.local());
      CHECK(support::open_descriptors() == before + 1);
    }
    CHECK(support::open_descriptors() == before);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("the families take turns, beginning with the first") {
  run_on<On>([]() -> weft::task<> {
    auto const v4 = weft::net::address::loopback_v4();
    auto const v6 = weft::net::address::loopback_v6();
    std::vector const peers{refusing_port(v4).peer(), refusing_port(v4).peer(),
                            refusing_port(v6).peer()};
    std::vector<endpoint> tried;
    try {
      co_await weft::net::connect(peers, "test");
    } catch (weft::net::connect_error const& error) {
      for (auto const& each : error.attempts()) tried.push_back(each.peer);
    }
    CHECK(tried == std::vector{peers[0], peers[2], peers[1]});
  }());
}

TEST_CASE_ON_REAL_BACKENDS("when no address answers one line names all of them") {
  run_on<On>([]() -> weft::task<> {
    endpoint const first = refusing();
    endpoint const second = refusing();
    auto const said = co_await failure_of(weft::net::connect({first, second}, "host:80"));
    CHECK(said == "connect host:80: " + first.to_string() + ": Connection refused; " +
                      second.to_string() + ": Connection refused");
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a cancelled connect by name leaves nothing open") {
  run_on<On>([]() -> weft::task<> {
    silent_port const silent;
    auto const before = support::open_descriptors();
    bool timed_out = false;
    try {
      std::vector const peers{silent.peer(), silent.peer()};
      co_await weft::with_timeout(20ms, weft::net::connect(peers, "test", {.attempt_delay = 1ms}));
    } catch (weft::timed_out const&) {
      timed_out = true;
    }
    CHECK(timed_out);
    CHECK(support::open_descriptors() == before);
  }());
}
