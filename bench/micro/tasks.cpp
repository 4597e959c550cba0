// Tasks: awaiting, giving way, children.
#include <tuple>

#include "measure.hpp"
#include "sets.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/when_all.hpp"

namespace weft_sets {

namespace {

[[gnu::noinline]] weft::task<int> child(int value) { co_return value; }

weft::task<> await_child(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(co_await child(1));
}

weft::task<> yield(benchmark::State& state) {
  for (auto _ : state) co_await weft::yield();
}

weft::task<> spawn_and_join(benchmark::State& state) {
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    for (auto _ : state) benchmark::DoNotOptimize(co_await tasks.spawn(child(1)));
  });
}

weft::task<> when_all_of_two(benchmark::State& state) {
  for (auto _ : state) {
    auto both = co_await weft::when_all(child(1), child(2));
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

}  // namespace weft_sets
