// Between threads: items from another thread, and calls offloaded to a pool.
#include <atomic>
#include <semaphore>
#include <thread>
#include <utility>

#include <asio/associated_executor.hpp>
#include <asio/detached.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/experimental/channel.hpp>
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>

#include "measure.hpp"
#include "micro/sets.hpp"

namespace asio_sets {

namespace {

using channel = asio::experimental::channel<executor, void(asio::error_code, int)>;

// An iteration is one item. The other thread posts as fast as the loop takes them; at most 1,024
// are on their way.
awaitable<> post_from_thread(benchmark::State& state) {
  auto const here = co_await asio::this_coro::executor;
  channel items(here, 1024);
  std::counting_semaphore<1024> room(1024);
  std::atomic<bool> done = false;
  std::thread thread([&] {
    while (!done) {
      room.acquire();
      asio::post(here, [&items] { items.try_send(asio::error_code(), 1); });
    }
  });
  co_await items.async_receive(use_awaitable);  // the thread runs
  room.release();
  for (auto _ : state) {
    benchmark::DoNotOptimize(co_await items.async_receive(use_awaitable));
    room.release();
  }
  done = true;
  room.release();
  thread.join();
  co_await asio::post(use_awaitable);  // after what was posted
}

// Calls `fn()` on the pool and completes with its value on the executor of the caller.
template <class Fn>
auto call_on(asio::thread_pool& pool, Fn fn) {
  return asio::async_initiate<asio::use_awaitable_t<executor> const, void(int)>(
      [&pool, fn](auto handler) {
        auto const home = asio::get_associated_executor(handler);
        asio::post(pool, [fn, handler = std::move(handler),
                          work = asio::make_work_guard(home)]() mutable {
          asio::post(work.get_executor(),
                     [value = fn(), handler = std::move(handler)]() mutable { handler(value); });
        });
      },
      use_awaitable);
}

awaitable<> offload(benchmark::State& state) {
  asio::thread_pool pool(1);
  for (auto _ : state) benchmark::DoNotOptimize(co_await call_on(pool, [] { return 1; }));
}

awaitable<> offload_once(asio::thread_pool& pool, int& left, channel& ended) {
  benchmark::DoNotOptimize(co_await call_on(pool, [] { return 1; }));
  if (--left == 0) ended.try_send(asio::error_code(), 0);
}

// An iteration is one call of a thousand that are on their way at the same time.
awaitable<> offload_a_thousand(benchmark::State& state) {
  auto const here = co_await asio::this_coro::executor;
  asio::thread_pool pool(1);
  channel ended(here, 1);
  while (state.KeepRunningBatch(1000)) {
    int left = 1000;
    for (int i = 0; i < 1000; ++i)
      asio::co_spawn(here, offload_once(pool, left, ended), asio::detached);
    co_await ended.async_receive(use_awaitable);
  }
}

}  // namespace

void add_threads() {
  measure_elapsed<post_from_thread>("post_from_thread");
  measure_elapsed<offload>("offload");
  measure_elapsed<offload_a_thousand>("offload_1000");
}

}  // namespace asio_sets
