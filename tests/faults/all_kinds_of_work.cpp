// See all_kinds_of_work.hpp.
#include "all_kinds_of_work.hpp"

#include <array>
#include <chrono>
#include <span>
#include <thread>

#include "require.hpp"

namespace {

using namespace std::chrono_literals;

// A prime number, so that a lost or repeated piece cannot keep the pattern.
constexpr unsigned pattern = 251;
constexpr std::size_t piece = 1000;
constexpr std::size_t pieces = 12;

std::byte numbered(std::size_t position) { return static_cast<std::byte>(position % pattern); }

weft::task<> write_whole(weft::descriptor& to, std::span<std::byte const> bytes) {
  while (!bytes.empty()) bytes = bytes.subspan(co_await to.write_some(bytes));
}

weft::task<> send_numbered(weft::descriptor to) {
  std::array<std::byte, piece> bytes{};
  for (std::size_t sent = 0; sent < pieces * piece; sent += piece) {
    for (std::size_t i = 0; i < piece; ++i) bytes[i] = numbered(sent + i);
    co_await write_whole(to, bytes);
    co_await weft::sleep_for(200us);
  }
}

weft::task<> echo(weft::descriptor from, weft::descriptor to) {
  std::array<std::byte, 300> buffer{};
  while (std::size_t const size = co_await from.read_some(buffer))
    co_await write_whole(to, std::span(buffer).first(size));
}

weft::task<> receive_numbered(weft::descriptor from) {
  std::array<std::byte, 256> buffer{};
  std::size_t received = 0;
  while (std::size_t const size = co_await from.read_some(buffer)) {
    for (std::size_t i = 0; i < size; ++i)
      require(buffer[i] == numbered(received + i),
              fmt::format("byte {} is another's", received + i));
    received += size;
  }
  require(received == pieces * piece, fmt::format("{} bytes arrived", received));
}

weft::task<> tick() {
  auto const start = weft::now();
  weft::interval each(500us, weft::missed_ticks::burst);
  for (int i = 0; i < 8; ++i) co_await each.next();
  require(weft::now() - start >= 4ms, "the timer fired early");
}

weft::task<> time_out() {
  auto silent = weft::make_pipe();
  std::array<std::byte, 1> buffer{};
  try {
    co_await weft::with_timeout(3ms, silent.read.read_some(buffer));
    require(false, "a read of a silent pipe ended");
  } catch (weft::timed_out const&) {  // as it should
  }
  std::array const sent{std::byte{42}};
  co_await write_whole(silent.write, sent);
  require(co_await silent.read.read_some(buffer) == 1 && buffer == sent,
          "the read that timed out took a byte");
}

weft::task<> block() {
  for (int i = 0; i < 4; ++i) {
    auto const loop_thread = std::this_thread::get_id();
    int const value = co_await weft::blocking([=] {
      require(std::this_thread::get_id() != loop_thread, "a blocking call ran on the loop");
      std::this_thread::sleep_for(1ms);
      return i;
    });
    require(value == i, "a blocking call yielded another's value");
    require(std::this_thread::get_id() == loop_thread, "the task resumed elsewhere");
  }
}

}  // namespace

weft::task<> all_kinds_of_work() {
  auto there = weft::make_pipe();
  auto back = weft::make_pipe();
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(receive_numbered(std::move(back.read)));
    tasks.spawn(echo(std::move(there.read), std::move(back.write)));
    tasks.spawn(send_numbered(std::move(there.write)));
    tasks.spawn(tick());
    tasks.spawn(time_out());
    tasks.spawn(block());
    co_return;
  });
}
