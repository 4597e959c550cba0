// The executors of one process: tasks on the loop alone, and with a thread pool.
#include <weft/thread_pool.hpp>

#include "coroutines.hpp"

namespace {

weft::task<> run(io_vs_cpu::cell const& of) {
  if (of.executor == "threads") {
    weft::thread_pool pool(of.workers);
    co_await run_cell(of, pool);
  } else {
    weft::inline_executor pool;
    co_await run_cell(of, pool);
  }
}

}  // namespace

int main(int count, char** arguments) {
  auto const of = io_vs_cpu::read_cell(count, arguments);
  return weft::run_main(run(of));
}
