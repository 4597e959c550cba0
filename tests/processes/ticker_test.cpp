// What the loop feels of work that computes: where it runs decides.
#include <algorithm>
#include <chrono>

#include "support/backends.hpp"
#include "weft/cancel.hpp"
#include "weft/inline_executor.hpp"
#include "weft/process_pool.hpp"
#include "weft/run.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/thread_pool.hpp"
#include "weft/time.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::run_on;

namespace {

constexpr auto job_length = 200ms;

int compute() {
  auto const until = std::chrono::steady_clock::now() + job_length;
  int turns = 0;
  while (std::chrono::steady_clock::now() < until) ++turns;
  return turns;
}

// The worst time between two ticks of a 10 ms ticker while the job runs.
template <class Pool>
weft::task<weft::clock::duration> worst_gap(Pool& pool) {
  co_await pool.run([] {});  // its workers are there
  weft::clock::duration worst{};
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    auto ticker = tasks.spawn([&]() -> weft::task<> {
      for (auto last = weft::now();;) {
        co_await weft::sleep_for(10ms);
        auto const now = weft::now();
        worst = std::max(worst, now - last);
        last = now;
      }
    });
    co_await weft::sleep_for(20ms);
    co_await pool.run(compute);
    co_await weft::sleep_for(20ms);
    ticker.cancel();
  });
  co_return worst;
}

// A busy machine may keep the loop waiting, too; a job that stops the loop does so every time.
template <class Pool>
weft::task<weft::clock::duration> least_worst_gap(Pool& pool) {
  auto least = weft::clock::duration::max();
  for (int left = 5; left != 0 && least >= job_length / 2; --left)
    least = std::min(least, co_await worst_gap(pool));
  co_return least;
}

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("a job that computes stops the loop inline, and not on either pool") {
  run_on<On>([]() -> weft::task<> {
    weft::inline_executor on_the_loop;
    weft::thread_pool threads(1);
    weft::process_pool processes(1);
    auto const stopped = co_await least_worst_gap(on_the_loop);
    auto const beside_threads = co_await least_worst_gap(threads);
    auto const beside_processes = co_await least_worst_gap(processes);
    CHECK(stopped >= job_length);
    CHECK(beside_threads < job_length / 2);
    CHECK(beside_processes < job_length / 2);
  }());
}
