// The queue on the network with workers that are killed, and with a flood of strangers.
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support/backends.hpp"
#include "support/log_catcher.hpp"
#include "support/program.hpp"
#include "support/queue_place.hpp"
#include "support/sanitized.hpp"
#include "weft/net.hpp"
#include "weft/process.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::queue_place;
using weft::net::queue_client;

namespace {

constexpr auto key = queue_place::key;
constexpr int tasks_all = 100'000;
constexpr int deaths_all = 100;
constexpr int workers_at_once = 8;

// Ends tasks, each with its delivery, until the queue is closed. The first take after `dies_after`
// tasks is its last: then it is killed, with what it has taken and not ended.
weft::task<> work(std::string address, unsigned dies_after, bool is_doomed) {
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    queue_client queue(tasks, address, "tasks", {.key = key});
    for (unsigned done = 0;;) {
      auto some = co_await queue.take(10);
      if (some.empty()) co_return;
      if (is_doomed && done >= dies_after) ::raise(SIGKILL);
      std::vector<std::pair<int, std::uint32_t>> results;
      for (auto const& each : some) results.emplace_back(each.value<int>(), each.delivery());
      done += static_cast<unsigned>(some.size());
      co_await queue.ack_all(std::move(some), results);
    }
  });
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::size_t>(::getpagesize());
}

}  // namespace

TEST_CASE_ON_REAL_BACKENDS(
    "10,000 silent connections disturb nobody, and 10,000 more take no memory") {
  support::raise_file_limit();
  support::with_queue_server<On>({.key = key}, [](queue_place const& here) -> weft::task<> {
    support::log_catcher const log;
    auto good = here.client();
    co_await good.depth();
    // The second flood finds what the first has left, and what this process needs for its own end
    // of so many connections.
    std::size_t after_first = 0;
    for (auto* const resident : {&after_first, static_cast<std::size_t*>(nullptr)}) {
      std::vector<weft::net::tcp_stream> silent;
      for (int i = 0; i < 10'000; ++i) {
        silent.push_back(co_await weft::net::connect(here.address()));
        if (i % 100 != 0) continue;
        auto const id = co_await good.put(i);
        auto task = co_await good.take();
        CHECK(task->id() == id);
        co_await good.ack(std::move(*task));
      }
      auto late = here.client();
      CHECK((co_await late.depth()).ready == 0);
      if (resident != nullptr) *resident = resident_bytes();
    }
    auto const after = resident_bytes();
    MESSAGE(after_first, " bytes after the first, ", after, " after the second, ",
            log.lines().size(), " lines logged");
    CHECK((support::is_sanitized || after < after_first + (1u << 20)));
    CHECK(log.lines().size() < 100);
  });
}

TEST_CASE_ON_REAL_BACKENDS("of 100,000 tasks none is lost or done twice by 100 workers' deaths") {
  // A task may meet with many deaths.
  weft::net::queue_policy const policy{.retry = {.attempts = deaths_all}};
  support::with_queue_server<On>(
      {.key = key, .policy = policy}, [](queue_place const& here) -> weft::task<> {
        auto master = here.client();
        auto const putting = here.tasks().spawn([&]() -> weft::task<> {
          std::vector<int> some;
          for (int i = 0; i < tasks_all; ++i) {
            some.push_back(i);
            if (some.size() < 500) continue;
            co_await master.put_all(some);
            some.clear();
          }
          co_await master.close();
        });
        int killed = 0;
        int started = 0;
        auto const keep_one_working = [&]() -> weft::task<> {
          for (bool is_doomed = true; is_doomed;) {
            is_doomed = started < deaths_all;
            auto worker = co_await weft::process::start(
                work, here.address(), static_cast<unsigned>(50 * (++started % 9)), is_doomed);
            if (co_await worker.join() == -SIGKILL) ++killed;
          }
        };
        for (int i = 0; i < workers_at_once; ++i) here.tasks().spawn(keep_one_working);
        std::map<std::string, std::uint32_t> deliveries;
        std::set<int> values;
        auto results = master.results();
        while (auto const result = co_await results.next()) {
          auto const [value, delivery] = result->value<std::pair<int, std::uint32_t>>();
          CHECK(deliveries.emplace(result->id(), delivery).second);  // else it came twice
          values.insert(value);
        }
        CHECK(values.size() == tasks_all);
        CHECK(killed == deaths_all);
        std::size_t again = 0;
        for (auto const& [id, delivery] : deliveries) again += delivery > 1 ? 1 : 0;
        CHECK(again >= deaths_all);
        MESSAGE(again, " of ", tasks_all, " tasks were delivered again");
        co_await putting;
      });
}
