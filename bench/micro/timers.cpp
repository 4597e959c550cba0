// Timers, sleeps and timeouts.
#include <chrono>
#include <vector>

#include "deadlines.hpp"
#include "measure.hpp"
#include "sets.hpp"
#include "weft/event.hpp"
#include "weft/time.hpp"
#include "weft/timeout.hpp"

namespace weft_sets {

namespace {

using namespace std::chrono_literals;

[[gnu::noinline]] weft::task<int> child(int value) { co_return value; }

// What is embedded in each sleep and each timeout.
class idle_timer final : public weft::detail::timer {
 public:
  void fire() noexcept override {}
};

weft::task<> create_and_cancel(benchmark::State& state) {
  weft::detail::loop_core& loop = *weft::detail::running_chain("the benchmark").loop;
  far_delays delays;
  std::vector<idle_timer> pending(pending_timers);
  for (auto& timer : pending)
    timer.start(loop, weft::detail::deadline_after(loop, delays.next().count()));
  for (auto _ : state) {
    idle_timer timer;
    timer.start(loop, weft::detail::deadline_after(loop, delays.next().count()));
    timer.stop(loop);
  }
  for (auto& timer : pending) timer.stop(loop);
  co_return;
}

weft::task<> sleep_zero(benchmark::State& state) {
  for (auto _ : state) co_await weft::sleep_for(0ns);
}

weft::task<> sleep_and_expire(benchmark::State& state) {
  for (auto _ : state) co_await weft::sleep_for(1ns);
}

weft::task<> timeout_of_operation(benchmark::State& state) {
  weft::event set;
  set.set();
  for (auto _ : state) co_await weft::with_timeout(1000s, set.wait());
}

weft::task<> timeout_of_task(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(co_await weft::with_timeout(1000s, child(1)));
}

}  // namespace

void add_timers() {
  measure<create_and_cancel>("timer");
  measure<sleep_zero>("sleep_0");
  measure<sleep_and_expire>("sleep_1ns");
  measure<timeout_of_operation>("timeout_operation");
  measure<timeout_of_task>("timeout_task");
}

}  // namespace weft_sets
