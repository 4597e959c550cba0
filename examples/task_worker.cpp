// task_worker: takes tasks that task_master has put into a queue, and gives their results back.
// Any number of workers share the tasks; what one has in hand when it is killed, another gets.
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <weft/net/queue/work_queue.hpp>
#include <weft/process_pool.hpp>
#include <weft/weft.hpp>

#include "command_line.hpp"
#include "task_queue/meeting_point.hpp"

namespace net = weft::net;

namespace {

// What takes a second is the work, wherever it is done.
std::string square(int n) {
  std::this_thread::sleep_for(std::chrono::seconds(1));
  return fmt::format("{} * {} = {}", n, n, n * n);
}

template <weft::executor Executor>
weft::task<> do_tasks(net::work_queue& queue, Executor& executor) {
  for (;;) {
    auto taken = co_await weft::until_stop(queue.take());
    if (!taken || !*taken) co_return;  // stopped; or the master has closed the queue
    auto const n = (*taken)->template value<int>();
    fmt::print("run task {} * {}...\n", n, n);
    auto result = co_await executor.run(square, n);
    co_await queue.ack(std::move(**taken), result);
  }
}

// As many at a time as the executor has workers.
template <weft::executor Executor>
weft::task<> work(net::work_queue& queue, Executor& executor) {
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    for (std::size_t i = 0; i < executor.size(); ++i) tasks.spawn(do_tasks(queue, executor));
    co_return;
  });
}

weft::task<> choose_and_work(net::work_queue& queue, std::string_view where) {
  if (where == "threads") {
    weft::thread_pool pool;
    co_await work(queue, pool);
  } else if (where == "processes") {
    weft::process_pool pool;
    co_await work(queue, pool);
  } else {
    weft::inline_executor here;
    co_await work(queue, here);
  }
}

weft::task<> worker(meeting_point at, std::string executor) {
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    auto const queue = at.open(tasks);
    fmt::print("Connect to server {}...\n", at.name());
    co_await choose_and_work(*queue, executor);
  });
  fmt::print("worker exit.\n");
}

}  // namespace

int main(int count, char** values) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  meeting_point at;
  std::string executor = "inline";
  command_line line("Takes tasks from a queue and gives their results back.", "task_worker");
  at.add_options(line);
  line.add_option("--executor", executor,
                  "where to work: inline, one at a time, or threads or processes (inline)",
                  must_be_an_executor());
  if (auto const code = line.parse(count, values)) return *code;
  return weft::run_main(worker(at, executor));
}
