// What process_pool does beyond what every executor does: crashes, kills, deadlines, limits, values
// of all sizes, and the wrong uses.
#include "weft/process_pool.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/backends.hpp"
#include "support/temporary_directory.hpp"
#include "weft/cancel.hpp"
#include "weft/fork_server.hpp"
#include "weft/metrics.hpp"
#include "weft/run.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"
#include "weft/timeout.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::run_on;

namespace {

int doubled(int x) { return 2 * x; }
pid_t number_of_process() { return ::getpid(); }
[[noreturn]] void crash() {
  ::signal(SIGSEGV, SIG_DFL);  // of a sanitizer, which would report it
  ::raise(SIGSEGV);
  std::abort();
}
void take_long() { std::this_thread::sleep_for(1h); }
std::string repeated(std::string text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

// Memory that the processes write into, since it was there before the fork server.
struct marks {
  std::atomic<int> begun;
  std::atomic<int> initialized;
};
marks& shared_marks() {
  static auto* const at = static_cast<marks*>(
      ::mmap(nullptr, sizeof(marks), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  return *at;
}
[[maybe_unused]] marks& mapped_early = shared_marks();

void mark_begin() { ++shared_marks().begun; }
void mark_begin_and_stay() {
  mark_begin();
  take_long();
}

template <class Exception, class Call>
weft::task<std::string> what_of(Call call) {
  try {
    co_await call();
  } catch (Exception const& error) {
    co_return error.what();
  }
  co_return "nothing was thrown";
}

template <class Condition>
weft::task<> until(Condition reached) {
  while (!reached()) co_await weft::sleep_for(1ms);
}

}  // namespace

TEST_CASE("the loop that uses a pool has its figures, and no other, whoever made it") {
  weft::process_pool pool(1);
  auto const is_told = [] {
    auto const pools = weft::metrics().pools;
    return std::ranges::any_of(pools, [](auto const& each) { return each.stats.done == 1; });
  };
  auto const use = [&]() -> weft::task<bool> {
    (void)co_await pool.run(doubled, 1);
    co_return is_told();
  };
  bool told_there = false;
  std::thread([&] { told_there = weft::run(use()); }).join();
  CHECK(told_there);
  CHECK_FALSE(weft::run([](auto const& asked) -> weft::task<bool> { co_return asked(); }(is_told)));
}

TEST_CASE_ON_REAL_BACKENDS("jobs run in processes of their own, which stay") {
  run_on<On>([]() -> weft::task<> {
    weft::process_pool pool(2);
    std::set<pid_t> seen;
    for (int i = 0; i < 20; ++i) seen.insert(co_await pool.run(number_of_process));
    CHECK(seen.size() <= 2);
    CHECK(!seen.contains(::getpid()));
    co_await until([&] { return pool.pids().size() == 2; });
  }());
}

TEST_CASE_ON_REAL_BACKENDS("values of any size go there and back") {
  weft::start_fork_server();
  auto const before = support::open_descriptors();
  run_on<On>([]() -> weft::task<> {
    weft::process_pool pool(2);
    for (std::size_t const size : {0, 1, 16'000, 16'300, 16'384, 100'000, 16'000'000}) {
      auto const text = co_await pool.run(repeated, std::string(size, 'z'), 1U);
      CHECK(text.size() == size);
      CHECK(std::ranges::count(text, 'z') == static_cast<std::ptrdiff_t>(size));
    }
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 200; ++i)
        tasks.spawn([&]() -> weft::task<> {
          CHECK((co_await pool.run(repeated, std::string(20'000, 'z'), 2U)).size() == 40'000);
        });
      co_return;
    });
    pool.close();
    co_await pool.join();
  }());
  CHECK(support::descriptors_fall_to(before));
}

TEST_CASE_ON_REAL_BACKENDS("a job that crashes fails alone") {
  run_on<On>([]() -> weft::task<> {
    weft::process_pool pool(2);
    int done = 0;
    int died = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 100; ++i) {
        tasks.spawn([&]() -> weft::task<> { done += co_await pool.run(doubled, 1) / 2; });
        if (i % 10 == 0)
          tasks.spawn([&]() -> weft::task<> {
            try {
              co_await pool.run(crash);
            } catch (weft::worker_died const& error) {
              died += error.status()->signal() == SIGSEGV ? 1 : 0;
            }
          });
      }
      co_return;
    });
    CHECK(done == 100);
    CHECK(died == 10);
    auto const stats = pool.stats();
    CHECK(stats.done == 100);
    CHECK(stats.failed == 10);
    CHECK(stats.restarted == 10);
    co_await until([&] { return pool.pids().size() == 2; });
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a job that exits fails with the exit code") {
  run_on<On>([]() -> weft::task<> {
    weft::process_pool pool(1);
    CHECK(co_await what_of<weft::worker_died>([&] { return pool.run([] { ::_exit(3); }); }) ==
          "weft::process_pool: the process of this job ended: exit code 3");
    CHECK(co_await pool.run(doubled, 2) == 4);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("what a job throws arrives as text, whatever its type") {
  struct odd {};
  run_on<On>([]() -> weft::task<> {
    weft::process_pool pool(1);
    try {
      co_await pool.run([] { throw std::out_of_range("too far"); });
      FAIL("it throws");
    } catch (weft::remote_error const& error) {
      CHECK(error.type_name() == "std::out_of_range");
      CHECK(error.message() == "too far");
      CHECK(std::string(error.what()) == "std::out_of_range: too far");
    }
    CHECK(co_await what_of<weft::remote_error>([&] { return pool.run([] { throw 5; }); }) ==
          "int: ");
    auto const told =
        co_await what_of<weft::remote_error>([&] { return pool.run([] { throw odd(); }); });
    CHECK(told.ends_with("::odd: "));
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a job that is cancelled before its begin never runs") {
  run_on<On>([]() -> weft::task<> {
    weft::process_pool pool(1);
    shared_marks().begun = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto blocking =
          tasks.spawn([&]() -> weft::task<> { co_await pool.run(mark_begin_and_stay); });
      co_await until([] { return shared_marks().begun == 1; });
      std::vector<weft::join_handle<void>> waiting;
      for (int i = 0; i < 100; ++i)  // more than a process is given at once
        waiting.push_back(tasks.spawn([&]() -> weft::task<> { co_await pool.run(mark_begin); }));
      co_await weft::yield();
      for (auto& one : waiting) one.cancel();
      co_await until(
          [&] { return std::ranges::all_of(waiting, [](auto& one) { return one.ended(); }); });
      CHECK(pool.stats().queued == 0);
      CHECK(pool.stats().restarted == 0);
      blocking.cancel();
    });
    CHECK(shared_marks().begun == 1);
    CHECK(co_await pool.run(doubled, 4) == 8);
  }());
}

TEST_CASE_ON_REAL_BACKENDS(
    "cancelling a job that runs kills its process, and no other job suffers") {
  run_on<On>([]() -> weft::task<> {
    weft::process_pool pool(1);
    shared_marks().begun = 0;
    auto const first = co_await pool.run(number_of_process);
    int done = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto running = tasks.spawn([&]() -> weft::task<> { co_await pool.run(mark_begin_and_stay); });
      co_await until([] { return shared_marks().begun == 1; });
      for (int i = 0; i < 10; ++i)
        tasks.spawn([&]() -> weft::task<> { done += co_await pool.run(doubled, 1) / 2; });
      co_await weft::yield();
      running.cancel();
    });
    CHECK(done == 10);
    CHECK(co_await pool.run(number_of_process) != first);
    CHECK(pool.stats().restarted == 1);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a job beyond its deadline is killed") {
  run_on<On>([]() -> weft::task<> {
    weft::process_pool pool({.size = 2, .job_deadline = 50ms});
    int late = 0;
    int done = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 4; ++i)
        tasks.spawn([&]() -> weft::task<> {
          try {
            co_await pool.run(take_long);
          } catch (weft::timed_out const&) {
            ++late;
          }
        });
      for (int i = 0; i < 20; ++i)
        tasks.spawn([&]() -> weft::task<> { done += co_await pool.run(doubled, 1) / 2; });
      co_return;
    });
    CHECK(late == 4);
    CHECK(done == 20);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("with a deadline a process that is stopped loses nothing") {
  run_on<On>([]() -> weft::task<> {
    weft::process_pool pool({.size = 1, .job_deadline = 50ms});
    CHECK(co_await pool.run(doubled, 1) == 2);
    ::kill(pool.pids().at(0), SIGSTOP);
    CHECK(co_await pool.run(doubled, 2) == 4);
    CHECK(pool.stats().failed == 0);
    CHECK(pool.stats().restarted == 1);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a process is replaced after so many jobs") {
  run_on<On>([]() -> weft::task<> {
    weft::process_pool pool({.size = 1, .max_jobs_per_worker = 3});
    std::vector<pid_t> by;
    for (int i = 0; i < 9; ++i) by.push_back(co_await pool.run(number_of_process));
    CHECK(std::set<pid_t>(by.begin(), by.end()).size() == 3);
    CHECK(by[0] == by[2]);
    CHECK(by[2] != by[3]);
    CHECK(pool.stats().done == 9);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("the initializer is called once in each process") {
  run_on<On>([]() -> weft::task<> {
    shared_marks().initialized = 0;
    weft::process_pool pool({.size = 2, .initializer = [] { ++shared_marks().initialized; }});
    std::vector<int> const items(100, 1);
    CHECK((co_await pool.map(items, doubled)).size() == 100);
    pool.close();
    co_await pool.join();
    CHECK(shared_marks().initialized == 2);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("when the initializer fails, the jobs fail with what it threw") {
  run_on<On>([]() -> weft::task<> {
    weft::process_pool pool({.size = 2, .initializer = [] { throw std::runtime_error("no GPU"); }});
    for (int i = 0; i < 2; ++i)
      CHECK(co_await what_of<std::runtime_error>([&] { return pool.run(doubled, 1); }) ==
            "weft::process_pool: the initializer threw std::runtime_error: no GPU");
    weft::process_pool crashing({.size = 1, .initializer = [] { ::_exit(7); }});
    CHECK(co_await what_of<weft::worker_died>([&] { return crashing.run(doubled, 1); }) ==
          "weft::process_pool: the process of this job ended: exit code 7");
  }());
}

#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer) && \
    !__has_feature(thread_sanitizer)
TEST_CASE_ON_REAL_BACKENDS("beyond the memory limit an allocation fails, and the process lives") {
  run_on<On>([]() -> weft::task<> {
    weft::process_pool pool({.size = 1, .memory_limit = 512 << 20});
    CHECK(co_await what_of<weft::remote_error>([&] {
            return pool.run(repeated, std::string(1 << 20, 'z'), 1024U);
          }) == "std::bad_alloc: std::bad_alloc");
    CHECK(co_await pool.run(doubled, 1) == 2);
    CHECK(pool.stats().restarted == 0);
  }());
}
#else
TEST_CASE("beyond the memory limit an allocation fails, and the process lives") {
  MESSAGE("skipped: a sanitizer needs terabytes of address space");
}
#endif

TEST_CASE_ON_REAL_BACKENDS("a pool may go from one loop to the next") {
  weft::process_pool pool(2);
  for (int i = 0; i < 3; ++i)
    run_on<On>([](weft::process_pool& on) -> weft::task<> {
      CHECK(co_await on.run(doubled, 3) == 6);
      ::kill(on.pids().at(0), SIGKILL);  // perhaps it is noticed by the next loop
    }(pool));
  run_on<On>([](weft::process_pool& on) -> weft::task<> {
    std::vector<int> const items(100, 1);
    CHECK((co_await on.map(items, doubled)).size() == 100);
    on.close();
    co_await on.join();
  }(pool));
}

TEST_CASE_ON_REAL_BACKENDS("the limit of the queue refuses jobs") {
  run_on<On>([]() -> weft::task<> {
    weft::process_pool pool({.size = 1, .queue_limit = 2});
    int refused = 0;
    int done = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 10; ++i)
        tasks.spawn([&]() -> weft::task<> {
          try {
            done += co_await pool.run(doubled, 1) / 2;
          } catch (weft::queue_full const&) {
            ++refused;
          }
        });
      co_return;
    });
    CHECK(done == 3);
    CHECK(refused == 7);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("an idle worker takes over what a busy one has not begun") {
  run_on<On>([]() -> weft::task<> {
    support::temporary_directory const directory;
    auto const sign = directory / "all others are done";
    weft::process_pool pool(2);
    auto const wait_for = [](std::string const& path) {
      while (::access(path.c_str(), F_OK) != 0) std::this_thread::sleep_for(1ms);
    };
    int done = 0;
    auto const all = [&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> { co_await pool.run(wait_for, sign); });
      for (int i = 0; i < 20; ++i)
        tasks.spawn([&]() -> weft::task<> {
          (void)co_await pool.run(doubled, 1);
          if (++done == 20) std::ofstream(sign).put('.');
        });
      co_return;
    };
    co_await weft::with_timeout(30s, weft::scope(all));
    CHECK(done == 20);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a pool that is left with its jobs fails them") {
  run_on<On>([]() -> weft::task<> {
    int terminated = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      weft::process_pool pool(2);
      for (int i = 0; i < 200; ++i)
        tasks.spawn([](weft::process_pool& on, int& count) -> weft::task<> {
          try {
            co_await on.run(take_long);
          } catch (weft::pool_terminated const&) {
            ++count;
          }
        }(pool, terminated));
      co_await weft::sleep_for(5ms);
    });
    CHECK(terminated == 200);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a task is run on a loop of the process") {
  run_on<On>([]() -> weft::task<> {
    weft::process_pool pool(1);
    auto const slow = [](int x) -> weft::task<int> {
      co_await weft::sleep_for(1ms);
      co_return x + 1;
    };
    CHECK(co_await pool.run(slow, 1) == 2);
  }());
}
