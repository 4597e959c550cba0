// Cancellation against completion against timeout, a million times: one outcome each, no byte lost,
// and no buffer written to after its operation has completed.
#include <algorithm>
#include <array>
#include <chrono>
#include <string>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::run_on;

namespace {

constexpr int races = 1'000'000;
constexpr int at_once = 8;
constexpr std::byte poison{0xa5};

struct tally {
  long values = 0;
  long timeouts = 0;
  long cancels = 0;
  long sent = 0;
  long received = 0;
  bool buffers_intact = true;
};

// One racer: reads a byte under a tiny timeout while its rival writes one or cancels it.
weft::task<> race(weft::pipe_ends& pipe, int round, tally& counts) {
  std::array<std::byte, 16> buffer{};
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    auto const reader = tasks.spawn([&]() -> weft::task<> {
      try {
        auto const got = co_await weft::with_timeout(std::chrono::nanoseconds(round % 5 * 900),
                                                     pipe.read.read_some(buffer));
        counts.received += static_cast<long>(got);
        ++counts.values;
      } catch (weft::timed_out const&) {
        ++counts.timeouts;
      } catch (weft::cancelled const&) {
        ++counts.cancels;
      }
      buffer.fill(poison);
    });
    for (int i = round % 3; i > 0; --i) co_await weft::yield();
    if (round % 4 != 0) {
      counts.sent += static_cast<long>(co_await pipe.write.write_some(support::bytes_of("x")));
    }
    if (round % 2 == 0) reader.cancel();
  });
  co_await weft::yield();
  counts.buffers_intact =
      counts.buffers_intact && std::ranges::all_of(buffer, [](std::byte b) { return b == poison; });
  if (counts.sent > counts.received + 1000) {  // keep the pipe from filling up
    std::array<std::byte, 4096> rest{};
    counts.received += static_cast<long>(co_await pipe.read.read_some(rest));
  }
}

weft::task<> racer(tally& counts) {
  auto pipe = weft::make_pipe();
  tally mine;
  for (int round = 0; round < races / at_once; ++round) {
    co_await race(pipe, round, mine);
  }
  pipe.write.close();
  std::array<std::byte, 4096> rest{};
  while (auto const got = co_await pipe.read.read_some(rest))
    mine.received += static_cast<long>(got);
  CHECK(mine.values + mine.timeouts + mine.cancels == races / at_once);
  CHECK(mine.sent == mine.received);
  CHECK(mine.buffers_intact);
  counts.values += mine.values;
  counts.timeouts += mine.timeouts;
  counts.cancels += mine.cancels;
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("cancel, timeout and completion race: one outcome, nothing lost") {
  tally counts;
  run_on<On>([&]() -> weft::task<> {
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < at_once; ++i) tasks.spawn(racer(counts));
      co_return;
    });
  }());
  MESSAGE(counts.values, " values, ", counts.timeouts, " timeouts, ", counts.cancels, " cancelled");
  CHECK(counts.values > 0);
  CHECK(counts.timeouts > 0);
  CHECK(counts.cancels > 0);
}
