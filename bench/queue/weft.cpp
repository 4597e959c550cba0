// The queues of Weft, as work.hpp says. At the address of a Unix socket, which has a slash in it,
// is a Redis server; for a master, anything else is where it serves itself.
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <weft/buffered_reader.hpp>
#include <weft/net/queue/client.hpp>
#include <weft/net/queue/server.hpp>
#include <weft/run.hpp>
#include <weft/scope.hpp>
#include <weft/terminal.hpp>

#include "on_redis.hpp"
#include "work.hpp"

namespace {

namespace net = weft::net;
using queue_bench::clock;

constexpr char const* queue_name = "work";
constexpr char const* key = "the key of the benchmark";

struct work {
  std::string address;
  std::size_t batch = 1;
  std::size_t bytes = 0;
  std::size_t tasks = 0;
};

bool is_of_redis(std::string const& address) { return address.find('/') != std::string::npos; }

std::unique_ptr<net::work_queue> queue_at(std::string const& address, weft::task_scope& tasks) {
#if QUEUE_BENCH_ON_REDIS
  if (is_of_redis(address)) return std::make_unique<net::redis_queue>(tasks, address, queue_name);
#endif
  return std::make_unique<net::queue_client>(tasks, address, queue_name,
                                             net::queue_client_options{.key = key});
}

class master {
 public:
  master(net::work_queue& queue, work of)
      : of_(std::move(of)), queue_(queue), results_(queue.results()) {}

  weft::task<> obey() {
    weft::terminal::input input;
    weft::buffered_reader lines(input);
    while (auto const line = co_await lines.line()) {
      queue_bench::order const next(*line);
      if (next.what == "latency")
        co_await latency(next);
      else
        co_await throughput(next);
    }
  }

 private:
  weft::task<> throughput(queue_bench::order order) {
    std::uint64_t done = 0;
    auto const begun = clock::now();
    do {
      co_await put(of_.tasks);
      co_await get(of_.tasks, [] {});
      done += of_.tasks;
    } while (clock::now() - begun < order.how_long);
    queue_bench::say_throughput(done, clock::now() - begun);
  }

  weft::task<> latency(queue_bench::order order) {
    std::vector<std::int64_t> latencies;
    auto const begun = clock::now();
    do {
      auto const put_at = clock::now();
      co_await put(of_.batch);
      co_await get(of_.batch, [&] {
        latencies.push_back(std::chrono::nanoseconds(clock::now() - put_at).count());
      });
    } while (clock::now() - begun < order.how_long);
    queue_bench::say_latency(latencies);
  }

  weft::task<> put(std::size_t count) {
    if (of_.batch == 1) {
      for (; count > 0; --count) co_await queue_.put(next_value());
      co_return;
    }
    std::vector<std::string> values;
    while (count > 0) {
      values.clear();
      for (; count > 0 && values.size() < of_.batch; --count) values.push_back(next_value());
      co_await queue_.put_all(values);
    }
  }

  // Each put has its result, and only one: then the sum of the numbers is right.
  template <class InHand>
  weft::task<> get(std::size_t count, InHand in_hand) {
    for (; count > 0; --count) {
      std::optional<net::work_result> const result = co_await results_.next();
      if (!result) throw std::runtime_error("results end");
      outstanding_ -= queue_bench::number_of(result->value<std::string>(), of_.bytes);
      in_hand();
    }
    if (outstanding_ != 0) throw std::runtime_error("the results are not those of the tasks");
  }

  std::string next_value() {
    outstanding_ += ++number_;
    return queue_bench::value_of(number_, of_.bytes);
  }

  work of_;
  net::work_queue& queue_;
  weft::generator<net::work_result> results_;
  std::uint64_t number_ = 0;
  std::uint64_t outstanding_ = 0;  // the sum of the numbers that are put and have not come back
};

weft::task<> command(work of, std::string address, net::work_queue& queue) {
  queue_bench::say(address + ' ' + std::to_string(::getpid()));
  master commanding(queue, std::move(of));
  co_await commanding.obey();
}

weft::task<> run_master(work of) {
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    if (is_of_redis(of.address)) {
      auto const queue = queue_at(of.address, tasks);
      co_return co_await command(of, of.address, *queue);
    }
    auto server = net::queue_server::bind(of.address, {.key = key});
    auto const serving = tasks.spawn(server.serve());
    net::queue_client queue(tasks, server, queue_name);
    co_await command(of, server.local().to_string(), queue);
    serving.cancel();
  });
}

weft::task<> work_one_by_one(net::work_queue& queue) {
  while (auto task = co_await queue.take()) {
    auto const result = task->value<std::string>();
    co_await queue.ack(*std::move(task), result);
  }
}

weft::task<> work_in_batches(net::work_queue& queue, std::size_t batch) {
  std::vector<std::string> results;
  for (;;) {
    auto tasks = co_await queue.take(batch);
    if (tasks.empty()) co_return;
    results.clear();
    for (auto const& task : tasks) results.push_back(task.value<std::string>());
    co_await queue.ack_all(std::move(tasks), results);
  }
}

weft::task<> run_worker(work of) {
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    auto const queue = queue_at(of.address, tasks);
    (void)co_await queue->depth();
    queue_bench::say("ready");
    if (of.batch == 1)
      co_await work_one_by_one(*queue);
    else
      co_await work_in_batches(*queue, of.batch);
  });
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> const given(argv + 1, argv + argc);
  if (given.size() < 4) return 2;
  work of{.address = given[1], .batch = std::stoul(given[2]), .bytes = std::stoul(given[3])};
  if (given[0] == "worker") return weft::run_main(run_worker(of));
  if (given.size() < 5) return 2;
  of.tasks = std::stoul(given[4]);
  return weft::run_main(run_master(of));
}
