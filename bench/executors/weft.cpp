// The rows of Weft: weft ROW EXECUTOR [BYTES]
#include <cstdio>
#include <exception>
#include <numeric>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <weft/inline_executor.hpp>
#include <weft/ipc.hpp>
#include <weft/process.hpp>
#include <weft/process_pool.hpp>
#include <weft/weft.hpp>

#include "sizes.hpp"
#include "support/stopwatch.hpp"

namespace {

using bench::stopwatch;

int one() { return 1; }
int doubled(int x) { return 2 * x; }
std::string echoed(std::string text) { return text; }

template <class Pool>
weft::task<> one_at_a_time(Pool& pool) {
  stopwatch watch;
  while (watch.goes_on(1)) co_await pool.run(one);
  watch.print();
}

template <class Pool>
weft::task<> many_at_a_time(Pool& pool) {
  stopwatch watch;
  while (watch.goes_on(executors::jobs_at_once))
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (std::size_t i = 0; i < executors::jobs_at_once; ++i)
        tasks.spawn([&pool]() -> weft::task<> { co_await pool.run(one); });
      co_return;
    });
  watch.print();
}

template <class Pool>
weft::task<> payload(Pool& pool, std::size_t bytes) {
  stopwatch watch;
  std::string const text(bytes, 'x');
  while (watch.goes_on(1))
    if ((co_await pool.run(echoed, text)).size() != bytes) throw std::runtime_error("bytes lost");
  watch.print();
}

template <class Pool>
weft::task<> map(Pool& pool) {
  std::vector<int> items(executors::items_of_map);
  std::iota(items.begin(), items.end(), 0);
  stopwatch watch;
  while (watch.goes_on(items.size()))
    if ((co_await pool.map(items, doubled)).back() != 2 * items.back())
      throw std::runtime_error("wrong results");
  watch.print();
}

template <class Pool>
weft::task<> run_on(Pool& pool, std::string_view row, std::size_t bytes) {
  co_await pool.run(one);  // the workers are there
  if (row == "one")
    co_await one_at_a_time(pool);
  else if (row == "many")
    co_await many_at_a_time(pool);
  else if (row == "payload")
    co_await payload(pool, bytes);
  else if (row == "map")
    co_await map(pool);
  else
    throw std::runtime_error("unknown row");
}

weft::task<> spawn() {
  stopwatch watch;
  while (watch.goes_on(1))
    co_await weft::command("/bin/true").input_from(weft::stdio::null()).status();
  watch.print();
}

weft::task<> start() {
  stopwatch watch;
  while (watch.goes_on(1)) {
    auto const child = co_await weft::process::start([] {});
    co_await child.join();
  }
  watch.print();
}

weft::task<> put_numbers(weft::ipc::queue_writer<int> to, bool together) {
  std::vector<int> numbers(executors::items_of_queue);
  if (together) {
    co_await to.put_all(numbers);
  } else {
    for (int const number : numbers) co_await to.put(number);
  }
}

weft::task<> queue(bool together) {
  stopwatch watch;
  while (watch.goes_on(executors::items_of_queue)) {
    auto queue = weft::ipc::make_queue<int>();
    auto const writer =
        co_await weft::process::start(put_numbers, std::move(queue.writer), together);
    std::size_t got = 0;
    while (co_await queue.reader.get()) ++got;
    if (got != executors::items_of_queue) throw std::runtime_error("items lost");
    co_await writer.join();
  }
  watch.print();
}

weft::task<> run(std::string_view row, std::string_view on, std::size_t bytes) {
  if (row == "spawn") co_return co_await spawn();
  if (row == "start") co_return co_await start();
  if (row == "queue") co_return co_await queue(on == "put_all");
  if (on == "inline") {
    weft::inline_executor pool;
    co_await run_on(pool, row, bytes);
  } else if (on == "threads") {
    weft::thread_pool pool;
    co_await run_on(pool, row, bytes);
  } else if (on == "processes") {
    weft::process_pool pool;
    co_await run_on(pool, row, bytes);
  } else {
    throw std::runtime_error("unknown executor");
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> const given(argv + 1, argv + argc);
  if (given.size() < 2) return 2;
  return weft::run_main(run(given[0], given[1], given.size() > 2 ? std::stoul(given[2]) : 0));
}
