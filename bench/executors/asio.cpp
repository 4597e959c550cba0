// The rows of Asio: asio ROW
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>

#include <string_view>
#include <thread>
#include <utility>

#include "sizes.hpp"
#include "support/stopwatch.hpp"

namespace {

using executor = asio::io_context::executor_type;

// Calls `fn()` on the pool and completes with its value on the executor of the caller.
template <class Fn>
auto call_on(asio::thread_pool& pool, Fn fn) {
  return asio::async_initiate<asio::use_awaitable_t<> const, void(int)>(
      [&pool, fn](auto handler) {
        auto const home = asio::get_associated_executor(handler);
        asio::post(pool, [fn, handler = std::move(handler),
                          work = asio::make_work_guard(home)]() mutable {
          asio::post(work.get_executor(),
                     [value = fn(), handler = std::move(handler)]() mutable { handler(value); });
        });
      },
      asio::use_awaitable);
}

asio::awaitable<void> one_at_a_time(asio::thread_pool& pool) {
  bench::stopwatch watch;
  while (watch.goes_on(1)) co_await call_on(pool, [] { return 1; });
  watch.print();
}

void many_at_a_time(asio::io_context& loop, asio::thread_pool& pool) {
  bench::stopwatch watch;
  while (watch.goes_on(executors::jobs_at_once)) {
    for (std::size_t i = 0; i < executors::jobs_at_once; ++i)
      asio::co_spawn(
          loop, [&pool]() -> asio::awaitable<void> { co_await call_on(pool, [] { return 1; }); },
          asio::detached);
    loop.run();
    loop.restart();
  }
  watch.print();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  asio::io_context loop(1);
  asio::thread_pool pool(std::thread::hardware_concurrency());
  if (std::string_view(argv[1]) == "one") {
    asio::co_spawn(loop, one_at_a_time(pool), asio::detached);
    loop.run();
  } else {
    many_at_a_time(loop, pool);
  }
}
