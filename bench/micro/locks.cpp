// Mutexes and events. With two tasks an iteration is a round: there and back.
#include "measure.hpp"
#include "sets.hpp"
#include "weft/event.hpp"
#include "weft/mutex.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"

namespace weft_sets {

namespace {

weft::task<> uncontended(benchmark::State& state) {
  weft::mutex guarded;
  for (auto _ : state) {
    auto lock = co_await guarded.lock();
    benchmark::DoNotOptimize(lock);
  }
}

weft::task<> lock_for_ever(weft::mutex& guarded) {
  for (;;) auto const lock = co_await guarded.lock();
}

// The lock is handed over at every unlock, because the other task always waits for it.
weft::task<> contended(benchmark::State& state) {
  weft::mutex guarded;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    auto lock = co_await guarded.lock();
    tasks.spawn(lock_for_ever(guarded));
    co_await weft::yield();
    for (auto _ : state) {
      lock.unlock();
      lock = co_await guarded.lock();
    }
    tasks.cancel();
  });
}

weft::task<> answer_for_ever(weft::event& ping, weft::event& pong) {
  for (;;) {
    co_await ping.wait();
    ping.reset();
    pong.set();
  }
}

weft::task<> ping_pong(benchmark::State& state) {
  weft::event ping;
  weft::event pong;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(answer_for_ever(ping, pong));
    for (auto _ : state) {
      ping.set();
      co_await pong.wait();
      pong.reset();
    }
    tasks.cancel();
  });
}

}  // namespace

void add_locks() {
  measure<uncontended>("mutex");
  measure<contended>("mutex_contended");
  measure<ping_pong>("event_ping_pong");
}

}  // namespace weft_sets
