// Connected sockets, over TCP and over Unix sockets: the contract that every backend keeps.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/streams.hpp"
#include "weft/net.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::bytes_of;
using support::next_text;
using support::pattern;
using support::read_to_end;
using support::run_on;
using support::text_of;
using weft::net::tcp_stream;
using weft::net::unix_stream;

namespace {

struct tcp {
  using stream = tcp_stream;
  static auto connected() { return support::connected(); }
};

struct local {
  using stream = unix_stream;
  static weft::task<support::pair_of<unix_stream>> connected() {
    auto [near, far] = unix_stream::pair();
    co_return {std::move(near), std::move(far)};
  }
};

// A backend, and what the streams go over.
template <class Backend, class Kind>
struct over : Backend {
  using kind = Kind;
};

}  // namespace

// The same case on every backend over every kind of stream, which is Kind in it.
#define TEST_CASE_OVER_EVERY_STREAM(sentence) \
  TEST_CASE_OVER_CALLED(sentence, DOCTEST_ANONYMOUS(test_case_over_))

#define TEST_CASE_OVER_CALLED(sentence, test_case)                                            \
  template <class Kind>                                                                       \
  static void test_case();                                                                    \
  TEST_CASE_TEMPLATE(sentence, Where, over<support::uring, tcp>, over<support::uring, local>, \
                     over<support::epoll, tcp>, over<support::epoll, local>,                  \
                     over<support::simulated, tcp>, over<support::simulated, local>) {        \
    On::run<Where>(test_case<typename Where::kind>);                                          \
  }                                                                                           \
  template <class Kind>                                                                       \
  static void test_case()

TEST_CASE_OVER_EVERY_STREAM("what one end writes the other reads, until it shuts down") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = co_await Kind::connected();
    CHECK(near.peer() == far.local());
    CHECK(far.peer() == near.local());
    co_await near.write_all(bytes_of("hello"));
    auto const first = co_await far.read();
    CHECK(first.text() == "hello");
    near.shutdown_write();
    CHECK_FALSE(co_await far.read());
    CHECK_FALSE(co_await far.read());
    co_await far.write_all(bytes_of("still there"));  // the other half is open
    std::array<std::byte, 32> room{};
    auto const count = co_await near.read_some(room);
    CHECK(text_of(room, count) == "still there");
  }());
}

TEST_CASE_OVER_EVERY_STREAM("a read waits for bytes and takes what is there") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = co_await Kind::connected();
    std::string order;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        order += 'r';
        order += co_await next_text(far);
      });
      co_await weft::yield();
      order += 'w';
      co_await near.write_all(bytes_of("abc"));
    });
    CHECK(order == "rwabc");
    std::array<std::byte, 2> two{};
    co_await near.write_all(bytes_of("defg"));
    while (co_await far.read_some(std::span<std::byte>()) != 0)
      continue;  // nothing to read into: 0 at once
    CHECK(co_await far.read_some(two) == 2);
    CHECK(text_of(two, 2) == "de");
    CHECK(co_await next_text(far) == "fg");
  }());
}

TEST_CASE_OVER_EVERY_STREAM("megabytes pass byte for byte while both sides write") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = co_await Kind::connected();
    std::string const sent = pattern(4 << 20);
    std::string back;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {  // an echo
        while (weft::buffer data = co_await far.read()) co_await far.write_all(data);
        far.shutdown_write();
      });
      tasks.spawn([&]() -> weft::task<> { back = co_await read_to_end(near); });
      co_await near.write_all(bytes_of(sent));
      near.shutdown_write();
    });
    CHECK((back == sent));
  }());
}

TEST_CASE_OVER_EVERY_STREAM("pieces are written as one and read into several buffers") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = co_await Kind::connected();
    std::array<std::span<std::byte const>, 3> const pieces{bytes_of("ab"), bytes_of(""),
                                                           bytes_of("cde")};
    CHECK(co_await near.write_some(pieces) == 5);
    std::array<std::byte, 3> first{};
    std::array<std::byte, 8> second{};
    std::array<std::span<std::byte>, 2> const buffers{first, second};
    CHECK(co_await far.read_some(buffers) == 5);
    CHECK(text_of(first, 3) == "abc");
    CHECK(text_of(second, 2) == "de");
  }());
}

TEST_CASE_OVER_EVERY_STREAM("a peer that never reads stops the writer, who says how far it came") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = co_await Kind::connected();
    std::string const much = pattern(64 << 20);
    std::size_t done = 0;
    try {
      co_await weft::with_timeout(50ms, near.write_all(bytes_of(much)));
      FAIL("it cannot all have fitted");
    } catch (weft::timed_out const& late) {
      done = late.bytes_done();
    }
    CHECK(done > 0);
    CHECK(done < much.size());
    // What follows a torn write would be garbage to the peer.
    CHECK_THROWS_AS(co_await near.write_all(bytes_of("x")), std::logic_error);
    near.shutdown_write();
    auto const got = co_await read_to_end(far);
    CHECK(got.size() == done);
    CHECK((std::string_view(got) == std::string_view(much).substr(0, done)));
  }());
}

// The socket becomes known to the backend while it has no room, so nothing has ever said that it
// can be written to when the write begins to wait.
TEST_CASE_OVER_EVERY_STREAM(
    "a write to a full socket that a read waits on goes on once there is room") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = co_await Kind::connected();
    std::string const chunk = pattern(64 << 10);
    std::size_t filled = 0;
    for (ssize_t sent = 0; sent >= 0;
         filled += static_cast<std::size_t>(std::max<ssize_t>(sent, 0)))
      sent = ::send(near.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const read =
          tasks.spawn([&]() -> weft::task<std::string> { co_return co_await next_text(near); });
      co_await weft::sleep_for(1ms);
      auto const written = tasks.spawn([&]() -> weft::task<> {
        co_await near.write_all(bytes_of("end"));
        near.shutdown_write();
      });
      co_await weft::sleep_for(1ms);
      auto const rest = co_await read_to_end(far);
      CHECK(rest.size() == filled + 3);
      co_await written;
      co_await far.write_all(bytes_of("read"));
      CHECK(co_await read == "read");
    });
  }());
}

TEST_CASE_OVER_EVERY_STREAM("reading into nothing, or writing nothing, does not wait") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = co_await Kind::connected();
    std::array<std::span<std::byte>, 2> const no_room{};
    CHECK(co_await near.read_some(std::span<std::byte>()) == 0);
    CHECK(co_await near.read_some(no_room) == 0);
    CHECK(co_await near.write_some(std::span<std::byte const>()) == 0);
    co_await near.write_all(bytes_of(""));
    co_await far.write_all(bytes_of("kept"));
    CHECK(co_await near.read_some(no_room) == 0);
    CHECK(co_await next_text(near) == "kept");
  }());
}

TEST_CASE_OVER_EVERY_STREAM("a cancelled read loses no byte and holds no buffer") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = co_await Kind::connected();
    for (int round = 0; round < 3; ++round) {
      CHECK_THROWS_AS(co_await weft::with_timeout(1ms, far.read()), weft::timed_out);
      std::array<std::byte, 4> room{};
      CHECK_THROWS_AS(co_await weft::with_timeout(1ms, far.read_some(room)), weft::timed_out);
    }
    co_await near.write_all(bytes_of("kept"));
    CHECK(co_await next_text(far) == "kept");
  }());
}

TEST_CASE_OVER_EVERY_STREAM("closing ends the read and the write that wait") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = co_await Kind::connected();
    std::string const much = pattern(64 << 20);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const read = tasks.spawn([&]() -> weft::task<std::error_code> {
        auto const got = co_await weft::as_result(near.read());
        co_return got.error();
      });
      auto const written = tasks.spawn([&]() -> weft::task<std::error_code> {
        auto const got = co_await weft::as_result(near.write_all(bytes_of(much)));
        co_return got.error();
      });
      co_await weft::sleep_for(1ms);
      near.close();
      CHECK(co_await read == std::errc::operation_canceled);
      CHECK(co_await written == std::errc::operation_canceled);
    });
  }());
}

TEST_CASE_OVER_EVERY_STREAM("more buffers can be out than were provided, and all come back") {
  run_on<On>([]() -> weft::task<> {
    constexpr int count = 300;
    std::vector<support::pair_of<typename Kind::stream>> pairs;
    for (int i = 0; i < count; ++i) pairs.push_back(co_await Kind::connected());
    std::vector<weft::buffer> held(count);
    for (int round = 0; round < 2; ++round) {
      int got = 0;
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        for (int i = 0; i < count; ++i)
          tasks.spawn([&, i]() -> weft::task<> {
            held[i] = co_await pairs[i].far.read();
            if (held[i].text() == std::to_string(i)) ++got;
          });
        co_await weft::yield();
        for (int i = 0; i < count; ++i)
          co_await pairs[i].near.write_all(bytes_of(std::to_string(i)));
      });
      CHECK(got == count);
    }
  }());
}

TEST_CASE_OVER_EVERY_STREAM("a socket that is released stays open and can be adopted again") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = co_await Kind::connected();
    int const fd = near.release();
    CHECK_FALSE(near);
    auto again = Kind::stream::adopt(fd);
    co_await again.write_all(bytes_of("again"));
    CHECK(co_await next_text(far) == "again");
  }());
}
