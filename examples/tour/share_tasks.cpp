// Tasks for others: a queue on the network, with workers in processes of their own.
#include <array>
#include <chrono>
#include <map>
#include <string>

#include <unistd.h>

#include <fmt/format.h>
#include <weft/net/queue/client.hpp>
#include <weft/net/queue/server.hpp>
#include <weft/process.hpp>
#include <weft/weft.hpp>

#include "steps.hpp"

using namespace std::chrono_literals;
namespace net = weft::net;

namespace tour {

namespace {

constexpr int tasks_all = 10;
constexpr int workers = 2;

// In a process of its own; could be on another machine.
weft::task<> work(std::string server, std::string key) {
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    net::queue_client queue(tasks, server, "squares", {.key = key});
    while (auto task = co_await queue.take()) {
      auto const n = task->value<int>();
      co_await weft::sleep_for(100ms);  // as if it took longer
      co_await queue.ack(std::move(*task), std::array{::getpid(), n * n});
    }
  });
}

}  // namespace

weft::task<> share_tasks(narrator& out) {
  out.begin("Tasks for other machines",
            fmt::format("{} tasks of 100 ms go through a queue on the network to {} workers, here "
                        "in processes of this machine. Both ends prove that they have the same "
                        "key.",
                        tasks_all, workers));
  std::string const key = "only for this tour";
  std::map<pid_t, int> shares;
  auto const begun = weft::now();
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    auto server = net::queue_server::bind("127.0.0.1:0", {.key = key});
    tasks.spawn(server.serve());
    for (int i = 0; i < workers; ++i)
      tasks.spawn([&]() -> weft::task<> {
        auto worker = co_await weft::process::start(work, server.local().to_string(), key);
        co_await worker.join();
      });
    net::queue_client queue(tasks, server, "squares");
    for (int n = 0; n < tasks_all; ++n) co_await queue.put(n);
    co_await queue.close();
    auto results = queue.results();
    std::size_t done = 0;
    while (auto const result = co_await results.next()) {
      ++shares[result->value<std::array<int, 2>>()[0]];
      out.show_progress(++done, tasks_all);
    }
    tasks.request_stop();
  });
  out.measured("results", fmt::format("{} in {}", tasks_all, duration_text(weft::now() - begun)));
  for (int number = 1; auto const& [process, share] : shares)
    out.measured(fmt::format("worker {}", number++), fmt::format("did {}", share));
  out.lesson(
      "The queue is in this process, or on Redis, behind the same interface. What a worker "
      "has in hand when it dies, another gets.");
}

}  // namespace tour
