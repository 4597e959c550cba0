// Between threads: items from another thread, and calls offloaded to a pool.
#include <thread>

#include "measure.hpp"
#include "sets.hpp"
#include "weft/remote.hpp"
#include "weft/scope.hpp"
#include "weft/thread_pool.hpp"

namespace weft_sets {

namespace {

// An iteration is one item. The other thread sends as fast as the loop takes them.
weft::task<> post_from_thread(benchmark::State& state) {
  weft::channel<int> items(1024);
  std::thread thread([to = items.remote(1024)]() mutable {
    while (to.send(1)) continue;
  });
  benchmark::DoNotOptimize(co_await items.receive());  // the thread runs
  for (auto _ : state) benchmark::DoNotOptimize(co_await items.receive());
  items.close();
  thread.join();
}

// An iteration is one call on a pool of one thread.
weft::task<> offload(benchmark::State& state) {
  weft::thread_pool pool(1);
  for (auto _ : state) benchmark::DoNotOptimize(co_await pool.run([] { return 1; }));
}

weft::task<int> offload_once(weft::thread_pool& pool) {
  co_return co_await pool.run([] { return 1; });
}

// An iteration is one call of a thousand that are on their way at the same time.
weft::task<> offload_a_thousand(benchmark::State& state) {
  weft::thread_pool pool(1);
  while (state.KeepRunningBatch(1000)) {
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 1000; ++i) tasks.spawn(offload_once(pool));
      co_return;
    });
  }
}

}  // namespace

void add_threads() {
  measure_elapsed<post_from_thread>("post_from_thread");
  measure_elapsed<offload>("offload");
  measure_elapsed<offload_a_thousand>("offload_1000");
}

}  // namespace weft_sets
