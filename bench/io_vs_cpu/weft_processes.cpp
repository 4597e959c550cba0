// Tasks on the loop with a process pool. A program of its own, since one that can have such a pool
// starts a fork server before main, which the others should not be charged for.
#include <weft/process_pool.hpp>

#include "coroutines.hpp"

namespace {

weft::task<> run(io_vs_cpu::cell const& of) {
  weft::process_pool pool(of.workers);
  co_await run_cell(of, pool);
}

}  // namespace

int main(int count, char** arguments) {
  auto const of = io_vs_cpu::read_cell(count, arguments);
  return weft::run_main(run(of));
}
