// Tasks: awaiting, giving way, children.
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/post.hpp>

#include "measure.hpp"
#include "micro/sets.hpp"

namespace asio_sets {

namespace {

[[gnu::noinline]] awaitable<int> child(int value) { co_return value; }

awaitable<> await_child(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(co_await child(1));
}

awaitable<> yield(benchmark::State& state) {
  for (auto _ : state) co_await asio::post(use_awaitable);
}

awaitable<> spawn_and_join(benchmark::State& state) {
  auto const here = co_await asio::this_coro::executor;
  for (auto _ : state)
    benchmark::DoNotOptimize(co_await asio::co_spawn(here, child(1), use_awaitable));
}

awaitable<> when_all_of_two(benchmark::State& state) {
  using asio::experimental::awaitable_operators::operator&&;
  for (auto _ : state) {
    auto both = co_await (child(1) && child(2));
    benchmark::DoNotOptimize(both);
  }
}

}  // namespace

void add_tasks() {
  measure<await_child>("await");
  measure<yield>("yield");
  measure<spawn_and_join>("spawn_join");
  measure<when_all_of_two>("when_all");
}

}  // namespace asio_sets
