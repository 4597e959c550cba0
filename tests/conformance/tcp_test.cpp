// TCP on the loopback: listeners, connect, and what only TCP streams have.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/streams.hpp"
#include "weft/net.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::bytes_of;
using support::connected;
using support::next_text;
using support::pattern;
using support::read_to_end;
using support::run_on;
using support::stream_pair;
using support::text_of;
using weft::net::tcp_listener;
using weft::net::tcp_stream;

namespace {

// Yields a number whose owner was used here and then closed where the loop did not see it.
weft::task<int> number_closed_elsewhere() {
  auto pipe = weft::make_pipe();
  int const number = pipe.read.get();
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn([&]() -> weft::task<> {
      std::array<std::byte, 1> one{};
      co_await pipe.read.read_some(one);
    });
    co_await weft::yield();
    co_await pipe.write.write_some(bytes_of("x"));
  });
  std::thread([closed = std::move(pipe.read)] {}).join();
  co_return number;
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("segments of one byte arrive in order") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = co_await connected();
    near.set_no_delay(true);
    CHECK(near.no_delay());
    std::string got;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        std::array<std::byte, 1> one{};
        while (co_await far.read_some(one) == 1) got += text_of(one, 1);
      });
      for (char const c : std::string_view("one byte at a time")) {
        co_await near.write_all(bytes_of(std::string_view(&c, 1)));
        co_await weft::yield();
      }
      near.shutdown_write();
    });
    CHECK(got == "one byte at a time");
  }());
}

// A read stops at the urgent mark, also when there is more behind it. See tcp(7).

TEST_CASE_ON_EVERY_BACKEND("a byte of urgent data is left out, and what follows it is read") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = co_await connected();
    std::string got;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        while (got.size() < 6) got += co_await next_text(far);
      });
      co_await weft::yield();
      CHECK(::send(near.get(), "abc", 3, 0) == 3);
      CHECK(::send(near.get(), "d", 1, MSG_OOB) == 1);
      CHECK(::send(near.get(), "efg", 3, 0) == 3);
    });
    CHECK(got == "abcefg");
  }());
}

TEST_CASE_ON_EVERY_BACKEND(
    "a peer that resets in mid-write is an error that says how far it came") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = co_await connected();
    std::string const much = pattern(64 << 20);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        co_await far.read();
        far.reset();
      });
      try {
        co_await near.write_all(bytes_of(much));
        FAIL("nobody read it");
      } catch (weft::transfer_error const& error) {
        CHECK(error.code() == std::errc::connection_reset);
        CHECK(error.bytes_done() > 0);
        CHECK(error.bytes_done() < much.size());
      }
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("writing after the peer has gone is EPIPE, without SIGPIPE") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = co_await connected();
    far.reset();
    auto const read = co_await weft::as_result(near.read());
    CHECK(read.error() == std::errc::connection_reset);
    auto const written = co_await weft::as_result(near.write_some(bytes_of("x")));
    CHECK(written.error() == std::errc::broken_pipe);
    CHECK_THROWS_AS(co_await near.write_all(bytes_of("x")), weft::transfer_error);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("connecting to a port where nobody listens is refused, by name") {
  run_on<On>([]() -> weft::task<> {
    auto listener = tcp_listener::bind("127.0.0.1:0");
    auto const nobody = listener.local();
    listener.close();
    try {
      co_await weft::net::connect(nobody);
      FAIL("somebody was there");
    } catch (std::system_error const& error) {
      CHECK(error.code() == std::errc::connection_refused);
      CHECK(std::string(error.what()).starts_with("connect " + nobody.to_string()));
    }
  }());
}

TEST_CASE_ON_EVERY_BACKEND("connecting without a free descriptor fails when awaited, by name") {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  run_on<On>([&]() -> weft::task<> {
    auto const listener = tcp_listener::bind("127.0.0.1:0");
    auto const peer = listener.local();
    auto const result = co_await weft::as_result([&]() -> weft::task<tcp_stream> {
      rlimit none = before;
      none.rlim_cur = 0;
      ::setrlimit(RLIMIT_NOFILE, &none);
      auto connecting = weft::net::connect(peer);
      ::setrlimit(RLIMIT_NOFILE, &before);
      try {
        co_return co_await connecting;
      } catch (std::system_error const& error) {
        CHECK(error.what() == "connect " + peer.to_string() + ": Too many open files");
        throw;
      }
    }());
    CHECK(result.error() == std::errc::too_many_files_open);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("only a socket that listens is adopted as a listener") {
  run_on<On>([]() -> weft::task<> {
    for (int const kind : {SOCK_STREAM, SOCK_DGRAM}) {
      int const fd = ::socket(AF_INET, kind | SOCK_CLOEXEC, 0);
      CHECK_THROWS_AS(static_cast<void>(tcp_listener::adopt(fd)), std::system_error);
      CHECK(::close(fd) == 0);  // it is still ours
    }
    co_return;
  }());
}

TEST_CASE_ON_EVERY_BACKEND("an option beyond what the kernel takes is as much as it takes") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = co_await connected();
    auto const value_of = [fd = near.get()](int level, int option) {
      int value = 0;
      socklen_t size = sizeof value;
      CHECK(::getsockopt(fd, level, option, &value, &size) == 0);
      return value;
    };
    near.set_send_buffer_size(std::size_t{1} << 32);
    CHECK(value_of(SOL_SOCKET, SO_SNDBUF) > 100'000);
    near.set_user_timeout(std::chrono::milliseconds(std::int64_t{1} << 32));
    CHECK(value_of(IPPROTO_TCP, TCP_USER_TIMEOUT) == INT_MAX);
    near.set_user_timeout(-1ms);
    CHECK(value_of(IPPROTO_TCP, TCP_USER_TIMEOUT) == 0);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("binding a port that is taken fails, by name") {
  run_on<On>([]() -> weft::task<> {
    auto const listener = tcp_listener::bind("127.0.0.1:0");
    try {
      static_cast<void>(tcp_listener::bind(listener.local()));
      FAIL("two listen at one place");
    } catch (std::system_error const& error) {
      CHECK(error.code() == std::errc::address_in_use);
      CHECK(std::string(error.what()).starts_with("bind " + listener.local().to_string()));
    }
    auto const shared = tcp_listener::bind("127.0.0.1:0", {.reuse_port = true});
    auto const second = tcp_listener::bind(shared.local(), {.reuse_port = true});
    CHECK(second.local() == shared.local());
    co_return;
  }());
}

TEST_CASE_ON_EVERY_BACKEND("an accept that is cancelled or closed leaves the queue as it is") {
  run_on<On>([]() -> weft::task<> {
    auto listener = tcp_listener::bind("127.0.0.1:0");
    CHECK_THROWS_AS(co_await weft::with_timeout(1ms, listener.accept()), weft::timed_out);
    auto near = co_await weft::net::connect(listener.local());
    auto far = co_await listener.accept();
    CHECK(near.local() == far.peer());
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const ended = tasks.spawn([&]() -> weft::task<std::error_code> {
        auto const got = co_await weft::as_result(listener.accept());
        co_return got.error();
      });
      co_await weft::sleep_for(1ms);
      listener.close();
      CHECK(co_await ended == std::errc::operation_canceled);
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a listener closed while an accept waits gives its port back at once") {
  run_on<On>([]() -> weft::task<> {
    auto listener = tcp_listener::bind("127.0.0.1:0");
    std::vector<stream_pair> pairs;
    for (int i = 0; i < 100; ++i) pairs.push_back(co_await connected());
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        auto const got = co_await weft::as_result(listener.accept());
        CHECK(got.error() == std::errc::operation_canceled);
      });
      for (auto& pair : pairs) tasks.spawn([&]() -> weft::task<> { co_await pair.far.read(); });
      co_await weft::sleep_for(1ms);
      // Whatever else the kernel has for the loop, the end of the accept is not put off.
      for (auto& pair : pairs) CHECK(::send(pair.near.get(), "x", 1, 0) == 1);
      auto const port = listener.local();
      listener.close();
      CHECK(tcp_listener::bind(port).local() == port);
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("one IPv6 listener serves both families unless told otherwise") {
  run_on<On>([]() -> weft::task<> {
    tcp_listener listener;
    try {
      listener = tcp_listener::bind("[::]:0", {.v6_only = false});
    } catch (std::system_error const&) {
      MESSAGE("skipped: there is no IPv6 here");
      co_return;
    }
    auto const port = listener.local().port();
    auto four = co_await weft::net::connect("127.0.0.1:" + std::to_string(port));
    auto from_four = co_await listener.accept();
    CHECK(from_four.peer().address().is_v4_mapped());
    auto six = co_await weft::net::connect("[::1]:" + std::to_string(port));
    auto from_six = co_await listener.accept();
    CHECK(from_six.peer().address().is_loopback());
  }());
}

TEST_CASE_ON_EVERY_BACKEND(
    "a connect whose number had an owner closed elsewhere waits for its own news") {
  run_on<On>([]() -> weft::task<> {
    auto listener = tcp_listener::bind("127.0.0.1:0");
    int const number = co_await number_closed_elsewhere();
    auto near = co_await weft::net::connect(listener.local());
    CHECK(near.get() == number);
    CHECK(near.peer() == listener.local());
  }());
}

TEST_CASE_ON_EVERY_BACKEND("so does a read of an accepted stream that was written to first") {
  run_on<On>([]() -> weft::task<> {
    auto listener = tcp_listener::bind("127.0.0.1:0");
    auto near = co_await weft::net::connect(listener.local());
    int const number = co_await number_closed_elsewhere();
    auto far = co_await listener.accept();
    CHECK(far.get() == number);
    co_await far.write_all(bytes_of("first"));
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> { CHECK(co_await next_text(far) == "then"); });
      co_await weft::yield();
      co_await near.write_all(bytes_of("then"));
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("sockets leave no descriptor behind") {
  auto const before = support::open_descriptors();
  run_on<On>([]() -> weft::task<> {
    for (int i = 0; i < 20; ++i) {
      auto [near, far] = co_await connected();
      co_await near.write_all(bytes_of("x"));
      CHECK_FALSE(co_await weft::as_result(weft::net::connect("127.0.0.1:1")));
    }
  }());
  CHECK(support::open_descriptors() == before);
}
