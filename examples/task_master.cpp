// task_master: puts ten tasks into a queue on the network, and prints what workers make of them:
//
//   WEFT_AUTHKEY=abc task_master
//   WEFT_AUTHKEY=abc task_worker     (in another terminal, or on another machine with --address)
//
// The queue is in this process, or, with --broker, on a Redis server.
#include <cstdio>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>

#include <fmt/format.h>
#include <weft/net/queue/client.hpp>
#include <weft/net/queue/server.hpp>
#include <weft/net/queue/work_queue.hpp>
#include <weft/weft.hpp>

#include "command_line.hpp"
#include "task_queue/meeting_point.hpp"

namespace net = weft::net;

namespace {

weft::task<> put_tasks_and_print_results(net::work_queue& queue) {
  co_await queue.open();  // a queue on a broker was closed by the master before
  std::random_device random;
  std::uniform_int_distribution number(0, 10'000);
  std::set<std::string> ours;
  for (int i = 0; i < 10; ++i) {
    int const n = number(random);
    fmt::print("Put task {}...\n", n);
    ours.insert(co_await queue.put(n));
  }
  fmt::print("Try get results...\n");
  auto results = queue.results();
  while (!ours.empty()) {
    auto const result = co_await results.next();
    if (!result) throw std::runtime_error("somebody else has closed the queue");
    if (ours.erase(result->id()) != 0) fmt::print("Result: {}\n", result->value<std::string>());
  }
  co_await queue.close();  // tells the workers to go
  fmt::print("master exit.\n");
}

weft::task<> master(meeting_point at) {
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    std::unique_ptr<net::work_queue> queue;
    if (at.has_broker()) {
      queue = at.open(tasks);
    } else {
      auto server = net::queue_server::bind(at.address(), {.key = at.key()});
      if (at.address().ends_with(":0")) fmt::print("listening on {}\n", server.local().to_string());
      tasks.spawn(server.serve());
      queue = std::make_unique<net::queue_client>(tasks, server, "tasks");
    }
    co_await weft::until_stop(put_tasks_and_print_results(*queue));
    tasks.request_stop();
  });
}

}  // namespace

int main(int count, char** values) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  meeting_point at;
  command_line line("Puts tasks into a queue and prints their results.", "task_master");
  at.add_options(line);
  if (auto const code = line.parse(count, values)) return *code;
  return weft::run_main(master(at));
}
