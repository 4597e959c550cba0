// Channels between two tasks of one loop: an iteration is one item, sent and received.
#include <cstddef>

#include "measure.hpp"
#include "sets.hpp"
#include "weft/remote.hpp"
#include "weft/scope.hpp"

namespace weft_sets {

namespace {

weft::task<> send_for_ever(weft::channel<int>& items) {
  for (;;) co_await items.send(1);
}

weft::task<> transfer(benchmark::State& state, std::size_t capacity) {
  weft::channel<int> items(capacity);
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(send_for_ever(items));
    for (auto _ : state) benchmark::DoNotOptimize(co_await items.receive());
    tasks.cancel();
  });
}

weft::task<> pipelined(benchmark::State& state) { return transfer(state, 64); }
weft::task<> rendezvous(benchmark::State& state) { return transfer(state, 0); }

}  // namespace

void add_channels() {
  measure<pipelined>("channel_64");
  measure<rendezvous>("channel_0");
}

}  // namespace weft_sets
