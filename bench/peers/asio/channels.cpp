// Channels between two coroutines of one loop: an iteration is one item, sent and received.
#include <cstddef>

#include <asio/detached.hpp>
#include <asio/experimental/channel.hpp>
#include <asio/post.hpp>

#include "measure.hpp"
#include "micro/sets.hpp"

namespace asio_sets {

namespace {

using channel = asio::experimental::channel<executor, void(asio::error_code, int)>;

// Closing the channel ends it with an exception, which `detached` drops.
awaitable<> send_for_ever(channel& items) {
  for (;;) co_await items.async_send(asio::error_code(), 1, use_awaitable);
}

awaitable<> transfer(benchmark::State& state, std::size_t capacity) {
  auto const here = co_await asio::this_coro::executor;
  channel items(here, capacity);
  asio::co_spawn(here, send_for_ever(items), asio::detached);
  for (auto _ : state) benchmark::DoNotOptimize(co_await items.async_receive(use_awaitable));
  items.close();
  co_await asio::post(use_awaitable);
}

awaitable<> pipelined(benchmark::State& state) { return transfer(state, 64); }
awaitable<> rendezvous(benchmark::State& state) { return transfer(state, 0); }

}  // namespace

void add_channels() {
  measure<pipelined>("channel_64");
  measure<rendezvous>("channel_0");
}

}  // namespace asio_sets
