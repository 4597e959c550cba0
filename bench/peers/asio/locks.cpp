// Mutexes and events, of which Asio has none: both are channels, tried first and then awaited. With
// two coroutines an iteration is a round: there and back.
#include <memory>

#include <asio/detached.hpp>
#include <asio/experimental/channel.hpp>
#include <asio/post.hpp>

#include "measure.hpp"
#include "micro/sets.hpp"

namespace asio_sets {

namespace {

using signals = asio::experimental::channel<executor, void(asio::error_code, int)>;

// A channel with one place: who fills it holds the lock.
class mutex {
 public:
  explicit mutex(executor const& here) : place_(here, 1) {}

  class unlocker {
   public:
    void operator()(mutex* locked) const {
      locked->place_.try_receive([](asio::error_code, int) {});
    }
  };
  using lock = std::unique_ptr<mutex, unlocker>;

  awaitable<lock> acquire() {
    if (!place_.try_send(asio::error_code(), 0))
      co_await place_.async_send(asio::error_code(), 0, use_awaitable);
    co_return lock(this);
  }

  void close() { place_.close(); }

 private:
  signals place_;
};

awaitable<> uncontended(benchmark::State& state) {
  mutex guarded(co_await asio::this_coro::executor);
  for (auto _ : state) {
    auto lock = co_await guarded.acquire();
    benchmark::DoNotOptimize(lock);
  }
}

awaitable<> lock_for_ever(mutex& guarded) {
  for (;;) auto const lock = co_await guarded.acquire();
}

// The lock is handed over at every unlock, because the other coroutine always waits for it.
awaitable<> contended(benchmark::State& state) {
  auto const here = co_await asio::this_coro::executor;
  mutex guarded(here);
  auto lock = co_await guarded.acquire();
  asio::co_spawn(here, lock_for_ever(guarded), asio::detached);
  co_await asio::post(use_awaitable);
  for (auto _ : state) {
    lock.reset();
    lock = co_await guarded.acquire();
  }
  guarded.close();
  co_await asio::post(use_awaitable);
}

awaitable<> answer_for_ever(signals& ping, signals& pong) {
  for (;;) {
    co_await ping.async_receive(use_awaitable);
    pong.try_send(asio::error_code(), 0);
  }
}

awaitable<> ping_pong(benchmark::State& state) {
  auto const here = co_await asio::this_coro::executor;
  signals ping(here, 1);
  signals pong(here, 1);
  asio::co_spawn(here, answer_for_ever(ping, pong), asio::detached);
  for (auto _ : state) {
    ping.try_send(asio::error_code(), 0);
    co_await pong.async_receive(use_awaitable);
  }
  ping.close();
  co_await asio::post(use_awaitable);
}

}  // namespace

void add_locks() {
  measure<uncontended>("mutex");
  measure<contended>("mutex_contended");
  measure<ping_pong>("event_ping_pong");
}

}  // namespace asio_sets
