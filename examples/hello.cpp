// Weft on one page: tasks, timers, a scope of children, a timeout and a cancellation at work.
#include <weft/weft.hpp>

#include <chrono>
#include <string>

#include <fmt/core.h>

using namespace std::chrono_literals;

// A task is a coroutine. It starts when somebody awaits or spawns it.
weft::task<int> add(int a, int b) {
  co_await weft::sleep_for(20ms);  // the loop does something else meanwhile
  co_return a + b;
}

weft::task<> count(std::string name, std::chrono::milliseconds pace, int up_to) {
  for (int i = 1; i <= up_to; ++i) {
    co_await weft::sleep_for(pace);
    fmt::print("  {} {}\n", name, i);
  }
}

weft::task<> wait_for_ever() {
  weft::event never;
  co_await weft::finally([&]() -> weft::task<> { co_await never.wait(); },
                         []() -> weft::task<> {
                           co_await weft::sleep_for(1ms);  // clean-up may await too
                           fmt::print("  cleaned up after being cancelled\n");
                         });
}

weft::task<> app() {
  fmt::print("hello from {} ({})\n", weft::this_loop::backend_name(),
             weft::this_loop::backend_reason());

  fmt::print("1. await a task: 2 + 3 = {}\n", co_await add(2, 3));

  auto const sums = co_await weft::when_all(add(1, 1), add(2, 2), add(3, 3));
  fmt::print("2. three at once: {} {} {}\n", std::get<0>(sums), std::get<1>(sums),
             std::get<2>(sums));

  fmt::print("3. a scope leaves when its children have ended:\n");
  co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(count("tick", 20ms, 3));
    tasks.spawn(count("tock", 30ms, 2));
    co_return;
  });

  fmt::print("4. a timeout cancels, and waits for the clean-up:\n");
  try {
    co_await weft::with_timeout(30ms, wait_for_ever());
  } catch (weft::timed_out const&) {
    fmt::print("  timed out\n");
  }

  fmt::print("5. what everybody is doing, at any time:\n");
  co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(add(4, 5)).name("adder");
    tasks.spawn(wait_for_ever()).name("patient");
    co_await weft::sleep_for(5ms);
    fmt::print("{}", weft::dump());
    tasks.cancel();
  });
}

int main() { return weft::run_main(app()); }
