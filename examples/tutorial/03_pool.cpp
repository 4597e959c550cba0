// Tutorial, 3: five tasks on a pool of four processes. The fifth waits until one of them is free.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <random>
#include <thread>

#include <fmt/core.h>
#include <weft/process_pool.hpp>
#include <weft/run.hpp>
#include <weft/scope.hpp>

using seconds = std::chrono::duration<double>;

void long_time_task(int name) {
  fmt::print("Run task {} ({})...\n", name, ::getpid());
  auto const start = std::chrono::steady_clock::now();
  std::random_device random;
  std::this_thread::sleep_for(seconds(std::uniform_real_distribution(0.0, 3.0)(random)));
  seconds const ran = std::chrono::steady_clock::now() - start;
  fmt::print("Task {} runs {:.2f} seconds.\n", name, ran.count());
}

weft::task<> app() {
  fmt::print("Parent process {}.\n", ::getpid());
  weft::process_pool pool(4);
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    for (int i = 0; i < 5; ++i)
      tasks.spawn([&pool, i]() -> weft::task<> { co_await pool.run(long_time_task, i); });
    fmt::print("Waiting for all subprocesses done...\n");
    co_return;
  });
  pool.close();
  co_await pool.join();
  fmt::print("All subprocesses done.\n");
}

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return weft::run_main(app());
}
