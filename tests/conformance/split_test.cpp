// The halves of a connection: what each does alone, and what the other and the peer see of its end.
#include <array>
#include <concepts>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/every_point.hpp"
#include "support/streams.hpp"
#include "weft/net.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::bytes_of;
using support::connected;
using support::echo;
using support::next_text;
using support::pattern;
using support::read_to_end;
using support::run_on;
using support::text_of;
using weft::net::read_half;
using weft::net::stream_socket;
using weft::net::tcp_listener;
using weft::net::tcp_stream;
using weft::net::write_half;

static_assert(weft::readable_stream<read_half>);
static_assert(!weft::writable_stream<read_half>);
static_assert(weft::writable_stream<write_half>);
static_assert(!weft::readable_stream<write_half>);
static_assert(std::movable<read_half> && !std::is_copy_constructible_v<read_half>);
static_assert(std::movable<write_half> && !std::is_copy_constructible_v<write_half>);
static_assert(!std::is_copy_assignable_v<read_half> && !std::is_copy_assignable_v<write_half>);
static_assert(std::is_nothrow_move_assignable_v<read_half>);
static_assert(std::is_nothrow_move_assignable_v<write_half>);
static_assert(std::same_as<decltype(std::declval<read_half&>().read()),
                           decltype(std::declval<stream_socket&>().read())>);

namespace {

weft::task<> pump(read_half from, write_half parameter) {
  write_half to = std::move(parameter);  // when_all keeps the parameters until both directions end
  co_await weft::copy(from, to);
}

weft::task<> proxy(tcp_stream client, tcp_stream server) {
  auto [from_client, to_client] = weft::net::split(std::move(client));
  auto [from_server, to_server] = weft::net::split(std::move(server));
  co_await weft::when_all(pump(std::move(from_client), std::move(to_server)),
                          pump(std::move(from_server), std::move(to_client)));
}

// Sends the text through a proxy to an echo, and yields what comes back.
weft::task<std::string> through_a_proxy(std::string sent) {
  auto [client, at_proxy] = co_await connected();
  auto [to_server, server] = co_await connected();
  std::string back;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(echo(std::move(server)));
    tasks.spawn(proxy(std::move(at_proxy), std::move(to_server)));
    auto [reader, writer] = weft::net::split(std::move(client));
    tasks.spawn([&sent, to = std::move(writer)]() mutable -> weft::task<> {
      co_await to.write_all(bytes_of(sent));
    });
    back = co_await read_to_end(reader);
  });
  co_return back;
}

// A connection of which the near end is split.
struct split_pair {
  read_half reader;
  write_half writer;
  tcp_stream far;
};

weft::task<split_pair> split_connection() {
  auto [near, far] = co_await connected();
  auto [reader, writer] = weft::net::split(std::move(near));
  co_return {std::move(reader), std::move(writer), std::move(far)};
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("a proxy of two tasks passes the bytes and the end of each direction") {
  auto const sent = pattern(1 << 20);
  auto const back = run_on<On>(through_a_proxy(sent));
  CHECK((back == sent));
}

TEST_CASE_ON_EVERY_BACKEND("a proxy that is cancelled at any suspension closes all it had") {
  int const rounds = support::cancel_at_every_point<On>(
      []() -> weft::task<> { support::expect(co_await through_a_proxy("short") == "short"); });
  CHECK(rounds > 10);
}

TEST_CASE_ON_EVERY_BACKEND("a proxy that runs out of memory at any allocation closes all it had") {
  if (!support::allocations_can_fail) {
    MESSAGE("skipped: ThreadSanitizer's operator new cannot be replaced");
    return;
  }
  int const rounds = support::fail_every_allocation<On>(
      []() -> weft::task<> { support::expect(co_await through_a_proxy("short") == "short"); });
  CHECK(rounds > 10);
}

TEST_CASE_ON_EVERY_BACKEND("a dropped writer is the end for the peer, and the reader reads on") {
  run_on<On>([]() -> weft::task<> {
    auto [reader, writer, far] = co_await split_connection();
    co_await writer.write_all(bytes_of("last words"));
    { auto const dropped = std::move(writer); }
    CHECK(co_await read_to_end(far) == "last words");
    co_await far.write_all(bytes_of("answer"));
    CHECK(co_await next_text(reader) == "answer");
    far.close();
    CHECK_FALSE(co_await reader.read());
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a dropped reader leaves the writer writing") {
  run_on<On>([]() -> weft::task<> {
    auto [reader, writer, far] = co_await split_connection();
    { auto const dropped = std::move(reader); }
    co_await far.write_all(bytes_of("unread"));
    co_await writer.write_all(bytes_of("still "));
    CHECK(co_await next_text(far) == "still ");
    co_await writer.write_all(bytes_of("there"));
    CHECK(co_await next_text(far) == "there");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("the socket is closed with the second half, whichever that is") {
  run_on<On>([]() -> weft::task<> {
    for (bool const reader_first : {true, false}) {
      auto [near, far] = co_await connected();
      auto const before = support::open_descriptors();
      std::optional<weft::net::stream_halves> halves(weft::net::split(std::move(near)));
      std::optional<read_half> reader(std::move(halves->reader));
      std::optional<write_half> writer(std::move(halves->writer));
      halves.reset();
      reader_first ? reader.reset() : writer.reset();
      CHECK(support::open_descriptors() == before);
      reader_first ? writer.reset() : reader.reset();
      CHECK(support::open_descriptors() == before - 1);
      CHECK_FALSE(co_await far.read());
    }
  }());
}

TEST_CASE_ON_EVERY_BACKEND("halves that were moved from are empty, and refuse to be used") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = co_await connected();
    int const fd = near.get();
    auto [reader, writer] = weft::net::split(std::move(near));
    CHECK_FALSE(near);  // NOLINT(bugprone-use-after-move)
    CHECK((reader && writer));
    CHECK(reader.get() == fd);
    CHECK(writer.get() == fd);
    auto const reader_now = std::move(reader);
    auto writer_now = std::move(writer);
    CHECK((reader_now && writer_now));
    // NOLINTBEGIN(bugprone-use-after-move)
    CHECK_FALSE((reader || writer));
    CHECK(reader.get() == -1);
    CHECK(writer.get() == -1);
    CHECK_THROWS_AS(co_await reader.read(), std::logic_error);
    CHECK_THROWS_AS(co_await writer.write_all(bytes_of("x")), std::logic_error);
    CHECK_THROWS_AS(writer.shutdown_write(), std::logic_error);
    // NOLINTEND(bugprone-use-after-move)
    CHECK_FALSE((read_half() || write_half()));
    co_await writer_now.write_all(bytes_of("x"));  // emptying the others has ended nothing
    CHECK(co_await next_text(far) == "x");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("moving over a half is the end of the one that was there") {
  run_on<On>([]() -> weft::task<> {
    auto first = co_await split_connection();
    auto second = co_await split_connection();
    auto const before = support::open_descriptors();
    first.writer = std::move(second.writer);
    CHECK_FALSE(co_await first.far.read());
    CHECK(support::open_descriptors() == before);
    first.reader = std::move(second.reader);
    CHECK(support::open_descriptors() == before - 1);
    co_await first.writer.write_all(bytes_of("second"));
    CHECK(co_await next_text(second.far) == "second");
    first.writer = {};
    CHECK_FALSE(co_await second.far.read());
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a half has all forms of reading, or of writing, of the socket") {
  run_on<On>([]() -> weft::task<> {
    auto [reader, writer, far] = co_await split_connection();
    std::array<std::span<std::byte const>, 2> const pieces{bytes_of("ab"), bytes_of("cde")};
    CHECK(co_await writer.write_some(pieces) == 5);
    CHECK(co_await next_text(far) == "abcde");
    CHECK(co_await writer.write_some(bytes_of("fg")) == 2);
    writer.shutdown_write();
    CHECK(co_await read_to_end(far) == "fg");

    co_await far.write_all(bytes_of("abcde"));
    std::array<std::byte, 2> first{};
    std::array<std::byte, 8> second{};
    CHECK(co_await reader.read_some(first) == 2);
    CHECK(text_of(first) == "ab");
    std::array<std::span<std::byte>, 2> const buffers{first, second};
    CHECK(co_await reader.read_some(buffers) == 3);
    CHECK(text_of(first) == "cd");
    CHECK(text_of(second, 1) == "e");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("halves are streams to read lines from and to write through a buffer") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = co_await connected();
    auto [near_reader, near_writer] = weft::net::split(std::move(near));
    auto [far_reader, far_writer] = weft::net::split(std::move(far));
    weft::buffered_writer out(near_writer);
    co_await out.write(bytes_of("one\n"));
    co_await out.write(bytes_of("two\n"));
    co_await out.flush();
    weft::buffered_reader in(far_reader);
    CHECK(co_await in.line() == "one");
    CHECK(co_await in.line() == "two");
    co_await weft::write_all(far_writer, bytes_of("back"));
    std::array<std::byte, 4> back{};
    co_await weft::read_exactly(near_reader, back);
    CHECK(text_of(back) == "back");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("cancelling the task of one half leaves the other going") {
  run_on<On>([]() -> weft::task<> {
    auto [reader, writer, far] = co_await split_connection();
    auto const much = pattern(64 << 20);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const read = tasks.spawn([&]() -> weft::task<> { co_await reader.read(); });
      co_await weft::yield();
      read.cancel();
      CHECK_THROWS_AS(co_await read, weft::child_cancelled);
      co_await writer.write_all(bytes_of("written"));
      CHECK(co_await next_text(far) == "written");

      auto const written = tasks.spawn([&, to = std::move(writer)]() mutable -> weft::task<> {
        co_await to.write_all(bytes_of(much));
      });
      co_await weft::yield();
      written.cancel();
      CHECK_THROWS_AS(co_await written, weft::child_cancelled);
      co_await far.write_all(bytes_of("read"));
      CHECK(co_await next_text(reader) == "read");
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a half may be moved while it reads or writes") {
  run_on<On>([]() -> weft::task<> {
    auto [reader, writer, far] = co_await split_connection();
    auto const much = pattern(16 << 20);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const read =
          tasks.spawn([&]() -> weft::task<std::string> { co_return co_await next_text(reader); });
      auto const written =
          tasks.spawn([&]() -> weft::task<> { co_await writer.write_all(bytes_of(much)); });
      co_await weft::yield();
      auto const reader_now = std::move(reader);
      std::optional<write_half> writer_now(std::move(writer));
      co_await far.write_all(bytes_of("for whom"));
      CHECK(co_await read == "for whom");
      tasks.spawn([&]() -> weft::task<> {
        co_await written;
        writer_now.reset();
      });
      CHECK((co_await read_to_end(far) == much));
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a read outlives its half, and ends when the socket closes") {
  run_on<On>([]() -> weft::task<> {
    auto [reader, writer, far] = co_await split_connection();
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const first =
          tasks.spawn([&]() -> weft::task<std::string> { co_return co_await next_text(reader); });
      co_await weft::yield();
      { auto const dropped = std::move(reader); }
      co_await far.write_all(bytes_of("late"));
      CHECK(co_await first == "late");
    });
    auto [other_reader, other_writer, other_far] = co_await split_connection();
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const ended = tasks.spawn([&]() -> weft::task<std::error_code> {
        auto const got = co_await weft::as_result(other_reader.read());
        co_return got.error();
      });
      co_await weft::yield();
      { auto const dropped = std::move(other_reader); }
      { auto const dropped = std::move(other_writer); }
      CHECK(co_await ended == std::errc::operation_canceled);
      CHECK_FALSE(co_await other_far.read());
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a write whose half is dropped fails, at once") {
  run_on<On>([]() -> weft::task<> {
    auto const much = pattern(64 << 20);
    for (bool const reader_is_there : {true, false}) {
      auto [reader, writer, far] = co_await split_connection();
      if (!reader_is_there) {
        auto const dropped = std::move(reader);
      }
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        auto const ended = tasks.spawn([&]() -> weft::task<std::error_code> {
          auto const got = co_await weft::as_result(writer.write_all(bytes_of(much)));
          co_return got.error();
        });
        co_await weft::yield();
        { auto const dropped = std::move(writer); }
        CHECK(co_await ended ==
              (reader_is_there ? std::errc::broken_pipe : std::errc::operation_canceled));
      });
    }
  }());
}

TEST_CASE_ON_EVERY_BACKEND("dropping halves of a connection that the peer has reset is no error") {
  run_on<On>([]() -> weft::task<> {
    auto [reader, writer, far] = co_await split_connection();
    far.reset();
    auto const read = co_await weft::as_result(reader.read());
    CHECK(read.error() == std::errc::connection_reset);
    { auto const dropped = std::move(writer); }
  }());
}
