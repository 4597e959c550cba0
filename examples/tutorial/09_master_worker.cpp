// Tutorial, 9: a master and its workers, once as processes and once as threads. The same program;
// one of its jobs crashes on purpose.
#include <cstdio>
#include <cstdlib>

#include <fmt/core.h>
#include <weft/process.hpp>
#include <weft/process_pool.hpp>
#include <weft/run.hpp>
#include <weft/scope.hpp>
#include <weft/thread_pool.hpp>

int square(int n) {
  if (n == 5) std::abort();
  return n * n;
}

template <weft::executor Workers>
weft::task<> master(Workers& workers) {
  int done = 0;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    for (int n = 1; n <= 8; ++n)
      tasks.spawn([&workers, &done, n]() -> weft::task<> {
        try {
          fmt::print("  {} * {} = {}\n", n, n, co_await workers.run(square, n));
          ++done;
        } catch (weft::worker_died const& died) {
          fmt::print("  {} * {}: the worker died ({})\n", n, n, died.status()->to_string());
        }
      });
    co_return;
  });
  fmt::print("The master lives: {} of 8 jobs are done.\n", done);
}

weft::task<> on_processes() {
  weft::process_pool workers(2);
  co_await master(workers);
}

weft::task<> on_threads() {
  weft::thread_pool workers(2);
  co_await master(workers);
}

weft::task<> app() {
  fmt::print("Workers are processes:\n");
  co_await on_processes();
  fmt::print("Workers are threads:\n");
  auto program = co_await weft::process::start(on_threads);  // a child, since it will not survive
  fmt::print("The master died with its workers: exit code {}.\n", co_await program.join());
}

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return weft::run_main(app());
}
