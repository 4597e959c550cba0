// What a loop tells of itself: what it has done, and what it has in hand.
#include "weft/metrics.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/backends.hpp"
#include "weft/descriptor.hpp"
#include "weft/event.hpp"
#include "weft/memory_stream.hpp"
#include "weft/net/tcp.hpp"
#include "weft/scope.hpp"
#include "weft/thread_pool.hpp"
#include "weft/time.hpp"
#include "weft/timeout.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::run_on;

namespace {

weft::operation_metrics of_name(weft::loop_metrics const& all, std::string_view name) {
  auto const found = std::ranges::find(all.operations, name, &weft::operation_metrics::name);
  return found == all.operations.end() ? weft::operation_metrics{} : *found;
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("operations are counted by name, and chains that wait for them") {
  run_on<On>([]() -> weft::task<> {
    auto const before = weft::metrics();
    CHECK(before.chains == 1);
    for (int i = 0; i < 5; ++i) co_await weft::sleep_for(1us);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      weft::event opened;
      for (int i = 0; i < 3; ++i) tasks.spawn([&]() -> weft::task<> { co_await opened.wait(); });
      tasks.spawn([]() -> weft::task<> { co_await weft::sleep_for(1ns * INT64_MAX); }).cancel();
      co_await weft::sleep_for(1us);
      auto const during = weft::metrics();
      CHECK(during.chains == 4);
      CHECK(of_name(during, "sleep").done - of_name(before, "sleep").done == 7);  // one cancelled
      CHECK(of_name(during, "event").in_flight == 3);
      CHECK(of_name(during, "event").done == 0);
      CHECK(during.resumes - before.resumes >= 6 + 3);
      CHECK(during.ticks > before.ticks);
      CHECK(during.ready.count() > 0);
      CHECK(during.ready.percentile(100) >= 1);
      opened.set();
    });
    auto const after = weft::metrics();
    CHECK(after.chains == 1);
    CHECK(after.timers == 0);
    CHECK(of_name(after, "event").done == 3);
    CHECK(of_name(after, "event").in_flight == 0);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("bytes that were read and written are counted") {
  run_on<On>([]() -> weft::task<> {
    auto [reader, writer] = weft::make_pipe();
    std::array<std::byte, 100> bytes{};
    CHECK(co_await writer.write_some(bytes) == 100);
    CHECK(co_await reader.read_some(std::span(bytes).first(30)) == 30);
    auto const told = weft::metrics();
    CHECK(told.bytes_written == 100);
    CHECK(told.bytes_read == 30);
  }());
}

TEST_CASE_ON_REAL_BACKENDS(
    "bytes of a connection are counted, of whole writes that were cut short, too") {
  run_on<On>([]() -> weft::task<> {
    auto listener = weft::net::tcp_listener::bind("127.0.0.1:0");
    auto client = co_await weft::net::connect(listener.local());
    auto const server = co_await listener.accept();
    std::vector<std::byte> const large(50'000'000);
    co_await weft::with_timeout(1h, client.write_all(std::span(large).first(1'000)));
    CHECK(weft::metrics().bytes_written == 1'000);
    std::size_t done = 0;
    try {
      co_await weft::with_timeout(1ms, client.write_all(large));  // nobody reads
    } catch (weft::timed_out const& error) {
      done = error.bytes_done();
    }
    CHECK(done > 0);
    CHECK(weft::metrics().bytes_written == 1'000 + done);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("pools are told of while they live, with what they have done") {
  run_on<On>([]() -> weft::task<> {
    CHECK(weft::metrics().pools.empty());
    weft::thread_pool pool({.size = 2, .name = "counted"});
    co_await pool.run([] {});
    auto const told = weft::metrics();
    REQUIRE(told.pools.size() == 1);
    CHECK(told.pools[0].name == "counted");
    CHECK(told.pools[0].size == 2);
    CHECK(told.pools[0].stats.ran.count() <= 1);  // the thread notes it when it has told us
    auto const text = to_text(told);
    CHECK(text.find("counted of 2: ") != text.npos);
    CHECK(text.find(" ticks, ") != text.npos);
    auto const json = to_json(told);
    CHECK(json.find(R"({"name":"counted","size":2,)") != json.npos);
    CHECK(std::ranges::count(json, '{') == std::ranges::count(json, '}'));
  }());
}

TEST_CASE("a histogram of powers says what a share of the numbers does not exceed") {
  weft::power_histogram numbers;
  CHECK(numbers.percentile(50) == 0);
  for (std::uint64_t i = 0; i < 100; ++i) numbers.add(i);
  CHECK(numbers.count() == 100);
  CHECK(numbers.percentile(0) == 0);
  CHECK(numbers.percentile(50) == 63);
  CHECK(numbers.percentile(100) == 127);
  numbers.add(UINT64_MAX);
  CHECK(numbers.percentile(100) == UINT64_MAX);
}
