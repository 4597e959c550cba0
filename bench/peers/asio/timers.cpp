// Timers, sleeps and timeouts.
#include <chrono>
#include <vector>

#include <asio/basic_waitable_timer.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/experimental/channel.hpp>
#include <asio/post.hpp>

#include "measure.hpp"
#include "micro/deadlines.hpp"
#include "micro/sets.hpp"

namespace asio_sets {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using timer = asio::basic_waitable_timer<clock, asio::wait_traits<clock>, executor>;
using signals = asio::experimental::channel<executor, void(asio::error_code, int)>;

[[gnu::noinline]] awaitable<int> child(int value) { co_return value; }

void ignore(asio::error_code) {}

// A cancelled wait is called back, so the context runs those of 64 cancelled ones at a time.
awaitable<> create_and_cancel(benchmark::State& state) {
  auto const here = co_await asio::this_coro::executor;
  far_delays delays;
  std::vector<timer> pending;
  pending.reserve(pending_timers);
  for (std::size_t i = 0; i < pending_timers; ++i)
    pending.emplace_back(here, delays.next()).async_wait(ignore);
  int cancelled = 0;
  for (auto _ : state) {
    timer cancelled_timer(here, delays.next());
    cancelled_timer.async_wait(ignore);
    cancelled_timer.cancel();
    if (++cancelled % 64 == 0) co_await asio::post(use_awaitable);
  }
}

awaitable<> sleep(benchmark::State& state, std::chrono::nanoseconds duration) {
  timer sleeping(co_await asio::this_coro::executor);
  for (auto _ : state) {
    sleeping.expires_after(duration);
    co_await sleeping.async_wait(use_awaitable);
  }
}

awaitable<> sleep_zero(benchmark::State& state) { return sleep(state, 0ns); }
awaitable<> sleep_and_expire(benchmark::State& state) { return sleep(state, 1ns); }

// The cheapest form: one timer, reused, whose callback would cancel the operation. An earlier timer
// is pending, as in most programs; without one, each timeout would set the kernel's timer too.
awaitable<> timeout_of_operation(benchmark::State& state) {
  auto const here = co_await asio::this_coro::executor;
  signals set(here, 1);
  timer earlier(here, 500s);
  earlier.async_wait(ignore);
  timer timeout(here);
  for (auto _ : state) {
    set.try_send(asio::error_code(), 0);
    timeout.expires_after(1000s);
    timeout.async_wait([&set](asio::error_code error) {
      if (!error) set.cancel();
    });
    co_await set.async_receive(use_awaitable);
    timeout.cancel();
  }
}

awaitable<> timeout_of_task(benchmark::State& state) {
  using asio::experimental::awaitable_operators::operator||;
  auto const here = co_await asio::this_coro::executor;
  timer earlier(here, 500s);
  earlier.async_wait(ignore);
  timer timeout(here);
  for (auto _ : state) {
    timeout.expires_after(1000s);
    auto first = co_await (child(1) || timeout.async_wait(use_awaitable));
    benchmark::DoNotOptimize(first);
  }
}

}  // namespace

void add_timers() {
  measure<create_and_cancel>("timer");
  measure<sleep_zero>("sleep_0");
  measure<sleep_and_expire>("sleep_1ns");
  measure<timeout_of_operation>("timeout_operation");
  measure<timeout_of_task>("timeout_task");
}

}  // namespace asio_sets
