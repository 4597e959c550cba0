// A thousand workers are killed under load, in every way there is.
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "weft/fork_server.hpp"
#include "weft/process_pool.hpp"
#include "weft/run.hpp"
#include "weft/scope.hpp"
#include "weft/semaphore.hpp"
#include "weft/time.hpp"
#include "weft/timeout.hpp"

#include <doctest/doctest.h>

#ifndef __has_feature
#define __has_feature(name) 0
#endif

using namespace std::chrono_literals;
using support::run_on;

namespace {

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || \
    __has_feature(thread_sanitizer)
constexpr bool has_memory_limit = false;  // a sanitizer needs terabytes of address space
#else
constexpr bool has_memory_limit = true;
#endif

constexpr int kills = 1000;
constexpr std::size_t jobs_max = 1'000'000;

// What the bodies of jobs log, in memory that all processes share.
struct job_log {
  std::array<std::atomic<std::uint8_t>, jobs_max> begun;
  std::array<std::atomic<std::uint8_t>, jobs_max> ended;
};
job_log& shared_log() {
  static auto* const at =
      static_cast<job_log*>(::mmap(nullptr, sizeof(job_log), PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  return *at;
}
[[maybe_unused]] job_log& mapped_early = shared_log();

int logged_job(int id) {
  auto const number = static_cast<std::size_t>(id);
  ++shared_log().begun[number];
  auto const until = std::chrono::steady_clock::now() + std::chrono::microseconds(20 + id % 300);
  while (std::chrono::steady_clock::now() < until) {}
  ++shared_log().ended[number];
  return id;
}

int exiting_job(int id) {
  ++shared_log().begun[static_cast<std::size_t>(id)];
  std::exit(3);
}

// Ends with the process when memory runs out.
int greedy_job(int id) noexcept {
  ++shared_log().begun[static_cast<std::size_t>(id)];
  for (std::vector<std::vector<char>> all;;) all.emplace_back(64 << 20);
}

struct counts {
  int died = 0;
  int timed_out = 0;
  int done = 0;
  int submitted = 0;
};

weft::task<> submit(weft::process_pool& pool, int (*body)(int), counts& count) {
  int const id = count.submitted++;
  auto const number = static_cast<std::size_t>(id);
  int outcomes = 0;
  try {
    int const result = co_await pool.run(body, id);  // not in CHECK, which catches what it throws
    CHECK(result == id);
    CHECK(shared_log().begun[number] == 1);
    CHECK(shared_log().ended[number] == 1);
    ++outcomes;
    ++count.done;
  } catch (weft::worker_died const&) {
    ++outcomes;
    ++count.died;
  } catch (weft::timed_out const&) {
    ++outcomes;
    ++count.timed_out;
  }
  CHECK(outcomes == 1);
}

int count_zombies() {
  int zombies = 0;
  for (auto const& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream stat(entry.path() / "stat");
    std::string text;
    std::getline(stat, text);
    auto const name_end = text.rfind(')');
    if (name_end == std::string::npos || text.find("(weft-worker)") == std::string::npos) continue;
    if (text.at(name_end + 2) == 'Z') ++zombies;
  }
  return zombies;
}

weft::task<> kill_a_thousand() {
  auto& log = shared_log();
  for (auto& each : log.begun) each = 0;
  for (auto& each : log.ended) each = 0;
  constexpr std::size_t size = 3;
  weft::process_pool pool(
      {.size = size, .memory_limit = has_memory_limit ? 1ULL << 30 : 0, .job_deadline = 100ms});
  counts count;
  int killed = 0;
  bool over = false;
  std::mt19937 random(7);
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    for (int i = 0; i < 200; ++i)
      tasks.spawn([&]() -> weft::task<> {
        while (!over) co_await submit(pool, logged_job, count);
      });
    while (killed < kills) {
      co_await weft::sleep_for(std::chrono::microseconds(random() % 2000));
      auto const kind = random() % 100;
      ++killed;
      if (kind < 10) {
        co_await submit(pool, exiting_job, count);
      } else if (kind < 12 && has_memory_limit) {
        co_await submit(pool, greedy_job, count);
      } else {
        auto const pids = pool.pids();
        if (pids.empty()) {
          --killed;
          continue;
        }
        int const signal = kind < 15 ? SIGSTOP : kind < 40 ? SIGSEGV : SIGKILL;
        ::kill(pids[random() % pids.size()], signal);
      }
    }
    over = true;
  });
  CHECK(count.died + count.timed_out <= kills);
  CHECK(count.died > kills / 10);
  CHECK(count.done > 1000);
  CHECK(count.done + count.died + count.timed_out == count.submitted);
  for (int id = 0; id < count.submitted; ++id)
    if (log.begun[static_cast<std::size_t>(id)] > 1) FAIL_CHECK("begun more than once: " << id);
  auto const stats = pool.stats();
  CHECK(stats.queued == 0);
  CHECK(stats.running == 0);
  CHECK(stats.done == static_cast<std::uint64_t>(count.done));
  MESSAGE("jobs: ", count.submitted, ", died: ", count.died, ", timed out: ", count.timed_out,
          ", workers replaced: ", stats.restarted);
  while (pool.pids().size() != size) co_await weft::sleep_for(1ms);
  for (std::size_t i = 0; i < 2 * size; ++i) CHECK(co_await pool.run([] { return 5; }) == 5);
  while (count_zombies() != 0) co_await weft::sleep_for(1ms);
  pool.close();
  co_await pool.join();
}

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("no kill makes a job run twice, or an awaiter wait, or a worker miss") {
  if (!has_memory_limit)
    MESSAGE("skipped: kills by the memory limit, since sanitizers need it all");
  weft::start_fork_server();
  auto const before = support::open_descriptors();
  run_on<On>(kill_a_thousand());
  CHECK(support::descriptors_fall_to(before));
}
