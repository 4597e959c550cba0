// Streams in memory: they are streams like any other.
#include "weft/memory_stream.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "weft/buffered_reader.hpp"
#include "weft/scope.hpp"
#include "weft/stream.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"
#include "weft/timeout.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::bytes_of;
using support::run_on;

static_assert(weft::readable_stream<weft::memory_stream>);
static_assert(weft::writable_stream<weft::memory_stream>);

namespace {

weft::task<int> outcome_of(weft::task<std::size_t> step) {
  try {
    co_await std::move(step);
  } catch (std::system_error const& failed) {
    co_return failed.code().value();
  }
  co_return 0;
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("what is written at one end is read at the other, in both directions") {
  run_on<On>([]() -> weft::task<> {
    auto ends = weft::pipe(100);
    auto const talk = [](weft::memory_stream& stream, char salt) -> weft::task<> {
      std::string const sent = support::pattern(10'000) + salt;
      std::string got(sent.size(), '\0');
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        tasks.spawn(weft::write_all(stream, bytes_of(sent)));
        co_await weft::read_exactly(stream, std::as_writable_bytes(std::span(got)));
      });
      CHECK(got.substr(0, 10'000) == sent.substr(0, 10'000));
      CHECK(got.back() != salt);
    };
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn(talk(ends.first, 'a'));
      tasks.spawn(talk(ends.second, 'b'));
      co_return;
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("after a shutdown the other end reads what is left, and may write") {
  run_on<On>([]() -> weft::task<> {
    auto ends = weft::pipe();
    CHECK(co_await ends.first.write_some(bytes_of("one\ntwo")) == 7);
    ends.first.shutdown_write();
    weft::buffered_reader lines(ends.second);
    CHECK(co_await lines.line() == "one");
    CHECK(co_await lines.line() == "two");
    CHECK_FALSE((co_await lines.line()).has_value());
    CHECK(co_await ends.second.write_some(bytes_of("answer")) == 6);
    std::array<std::byte, 10> buffer{};
    CHECK(co_await ends.first.read_some(buffer) == 6);
    CHECK(co_await outcome_of(ends.first.write_some(bytes_of("more"))) == EPIPE);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("what is cancelled has taken nothing, and put nothing") {
  run_on<On>([]() -> weft::task<> {
    auto ends = weft::pipe(4);
    std::array<std::byte, 10> buffer{};
    CHECK_THROWS_AS(co_await weft::with_timeout(1ms, ends.second.read_some(buffer)),
                    weft::timed_out);
    CHECK(co_await ends.first.write_some(bytes_of("123456")) == 4);
    CHECK_THROWS_AS(co_await weft::with_timeout(1ms, ends.first.write_some(bytes_of("56"))),
                    weft::timed_out);
    CHECK(co_await ends.second.read_some(buffer) == 4);
    CHECK(co_await ends.first.write_some(bytes_of("56")) == 2);
    CHECK(co_await ends.second.read_some(buffer) == 2);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("closing one end ends what waits at both") {
  run_on<On>([]() -> weft::task<> {
    auto ends = weft::pipe(1);
    CHECK(co_await ends.second.write_some(bytes_of("x")) == 1);
    std::array<std::byte, 10> buffer{};
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto far_read = tasks.spawn(outcome_of(ends.second.read_some(buffer)));
      auto far_write = tasks.spawn(outcome_of(ends.second.write_some(bytes_of("y"))));
      co_await weft::yield();
      ends.first.close();
      CHECK(co_await far_read == 0);
      CHECK(co_await far_write == EPIPE);
    });
    CHECK_FALSE(static_cast<bool>(ends.first));

    auto others = weft::pipe();
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto own_read = tasks.spawn(outcome_of(others.first.read_some(buffer)));
      co_await weft::yield();
      others.first.close();
      CHECK(co_await own_read == ECANCELED);
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a second read, or write, at once is refused") {
  run_on<On>([]() -> weft::task<> {
    auto ends = weft::pipe(1);
    std::array<std::byte, 10> buffer{};
    CHECK_THROWS_AS(std::ignore = weft::pipe(0), std::invalid_argument);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto waiting = tasks.spawn(outcome_of(ends.first.read_some(buffer)));
      co_await weft::yield();
      CHECK_THROWS_AS(co_await ends.first.read_some(buffer), std::logic_error);
      ends.second.close();
      CHECK(co_await waiting == 0);
    });
  }());
}
