// See contender.hpp.
#include "contender.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <limits>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <thread>

#include <fmt/format.h>

#include "on_redis.hpp"
#include "redis.hpp"
#include "support/contest.hpp"

namespace queue_bench {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::array<std::size_t, 2> batches{1, 64};

bool is_installed(std::string const& program) {
  char const* const given = std::getenv("PATH");
  std::istringstream path(given == nullptr ? std::string() : std::string(given));
  for (std::string folder; std::getline(path, folder, ':');)
    if (::access(fmt::format("{}/{}", folder, program).c_str(), X_OK) == 0) return true;
  fmt::print(stderr, "{} is not here: what needs it is left out\n", program);
  return false;
}

// The interpreter itself: what is called python3 may be a script that looks for one.
std::string python() {
  bench::child_process asked({.arguments = {"python3", "-c", "import sys; print(sys.executable)"}});
  return asked.read_line();
}

// Python's stalls are of 40 ms, two a task: a few tasks tell as much.
std::size_t tasks_for(contender const& of, row const& at, effort const& with) {
  bool const is_stalling = of.stalls && at.bytes >= 16'384;
  return is_stalling ? std::min<std::size_t>(with.tasks, 16) : with.tasks;
}

struct figures {
  double first;
  double second;
};

// A master, what it works with, and its workers.
class team {
 public:
  team(contender const& of, row const& at, effort const& with) {
    std::string address = "127.0.0.1:0";
    if (of.what == kind::queue_on_redis) {
      redis_.emplace(with.on(0));
      address = redis_->socket();
      processes_.push_back(redis_->pid());
    }
    auto const command = [&](std::string const& role) {
      bench::child_command made{.arguments = of.program, .environment = of.environment};
      for (auto const& each : {role, address, std::to_string(of.batch), std::to_string(at.bytes)})
        made.arguments.push_back(each);
      return made;
    };
    auto as_master = command("master");
    as_master.arguments.push_back(std::to_string(tasks_for(of, at, with)));
    master_.emplace(as_master, with.on(0));
    std::istringstream said(master_->read_line());
    said >> address;
    for (pid_t each = 0; said >> each;) processes_.push_back(each);
    for (std::size_t i = 0; i < at.workers; ++i)
      processes_.push_back(workers_.emplace_back(command("worker"), with.on(1)).pid());
    for (auto& each : workers_)
      if (each.read_line() != "ready") throw std::runtime_error("a worker is not ready");
  }

  figures tell(std::string const& order, double seconds) {
    master_->write_line(fmt::format("{} {}", order, seconds));
    auto const said = master_->read_line();
    figures of{};
    if (std::sscanf(said.c_str(), "%lf %lf", &of.first, &of.second) != 2)  // NOLINT
      throw std::runtime_error(fmt::format("{} said: {}", master_->program(), said));
    return of;
  }

  // Of all of them, so far.
  [[nodiscard]] std::chrono::duration<double> processor_time() const {
    std::chrono::nanoseconds sum{0};
    for (auto const each : processes_) sum += bench::processor_time(each);
    return sum;
  }

 private:
  std::optional<redis_server> redis_;
  std::optional<bench::child_process> master_;
  std::deque<bench::child_process> workers_;  // which end first
  std::vector<pid_t> processes_;
};

sample measure_team(contender const& of, row const& at, effort const& with) {
  using namespace std::chrono_literals;
  constexpr auto settling = 2ms;  // so that all sleep, and their time is exact
  team working(of, at, with);
  working.tell("throughput", with.seconds / 5);
  std::this_thread::sleep_for(settling);
  auto const before = working.processor_time();
  auto const [tasks, nanoseconds] = working.tell("throughput", with.seconds);
  std::this_thread::sleep_for(settling);
  auto const used = working.processor_time() - before;
  sample taken{.per_second = tasks / nanoseconds * 1e9,
               .p50_us = nan,
               .p99_us = nan,
               .processor_us = used.count() / tasks * 1e6};
  if (of.what == kind::raw) return taken;
  auto const [p50, p99] = working.tell("latency", with.seconds);
  taken.p50_us = p50 / 1e3;
  taken.p99_us = p99 / 1e3;
  return taken;
}

// Its requests take about as long as the others' phases.
sample measure_redis(contender const& of, row const& at, effort const& with) {
  redis_server const server(with.on(0));
  auto const run = [&](std::size_t requests) {
    return run_redis_benchmark(server, with.on(1), at.workers, of.batch, at.bytes, requests);
  };
  auto const guess = run(2'000 * of.batch).requests_per_second;
  auto const of_it = run(static_cast<std::size_t>(guess * with.seconds) + 1'000);
  return {.per_second = of_it.requests_per_second,
          .p50_us = of_it.p50_ms * 1e3,
          .p99_us = of_it.p99_ms * 1e3,
          .processor_us = nan};
}

}  // namespace

std::string row::name() const { return fmt::format("w{}-{}", workers, bytes); }

std::string row::what() const {
  auto const size =
      bytes < 1'024 ? fmt::format("{} B", bytes) : fmt::format("{} KiB", bytes / 1024);
  return fmt::format("{} worker{}, tasks and results of {}", workers, workers == 1 ? "" : "s",
                     size);
}

std::vector<contender> all_contenders() {
  auto const here = bench::program_directory();
  std::vector<contender> all;
  auto const add = [&](std::string const& name, kind what, std::string const& program,
                       std::string const& backend) {
    for (auto const batch : batches) {
      contender made{.name = fmt::format("{} x {}", name, batch), .what = what, .batch = batch};
      if (!program.empty()) made.program = {fmt::format("{}/{}", here, program)};
      if (!backend.empty()) made.environment.emplace_back("WEFT_BACKEND", backend);
      all.push_back(std::move(made));
    }
  };
  if (is_installed("python3")) {
    auto const interpreter = python();
    for (auto const& [name, how] :
         {std::pair(python_name, "nodelay"), std::pair("Python as it comes", "plain")})
      all.push_back({.name = name,
                     .what = kind::queue,
                     .batch = 1,
                     .program = {interpreter, QUEUE_BENCH_PYTHON, how},
                     .stalls = how == std::string_view("plain")});
  }
  add("weft io_uring", kind::queue, "queue-weft", "uring");
  add("weft epoll", kind::queue, "queue-weft", "epoll");
  add("raw TCP", kind::raw, "queue-raw", "");
  bool const has_redis = is_installed("redis-server");
  if (!is_on_redis) fmt::print(stderr, "weft was built without a queue on Redis: it is left out\n");
  if (has_redis && is_on_redis) add("weft on Redis", kind::queue_on_redis, "queue-weft", "");
  if (has_redis && is_installed("redis-benchmark"))
    add("redis-benchmark", kind::redis_benchmark, "", "");
  return all;
}

sample measure(contender const& of, row const& at, effort const& with) {
  return of.what == kind::redis_benchmark ? measure_redis(of, at, with)
                                          : measure_team(of, at, with);
}

}  // namespace queue_bench
