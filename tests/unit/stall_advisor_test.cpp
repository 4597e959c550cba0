// The advisor: who held the loop, where, for how long, and what to do about it.
#include "stall_advisor.hpp"

#include <doctest/doctest.h>

#include <pthread.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <source_location>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "support/backends.hpp"
#include "symbols.hpp"
#include "weft/log.hpp"
#include "weft/run.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"

using namespace std::chrono_literals;

namespace {

// Collects what is logged on whichever thread.
class reports {
 public:
  reports() : before_(weft::set_log_hook(keep)) { take(); }
  reports(reports const&) = delete;
  reports& operator=(reports const&) = delete;
  ~reports() { weft::set_log_hook(before_); }

  static std::vector<std::string> take() {
    std::lock_guard const lock(mutex);
    return std::exchange(kept, {});
  }
  static std::size_t count() {
    std::lock_guard const lock(mutex);
    return kept.size();
  }

 private:
  static void keep(weft::log_level, std::string_view message) noexcept {
    std::lock_guard const lock(mutex);
    kept.emplace_back(message);
  }

  static inline std::mutex mutex;
  static inline std::vector<std::string> kept;

  weft::log_hook before_;
};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string at(unsigned line) { return "stall_advisor_test.cpp:" + std::to_string(line); }

// The advisor blames nobody while it does not get a processor itself; so a machine that is busy may
// cost a report, and what is to be reported is done again.
template <class Act, class Wanted>
std::vector<std::string> reports_of(Act const& act, Wanted const& wanted) {
  reports const collected;
  for (int i = 0; i < 50; ++i) {
    act();
    if (auto taken = reports::take(); wanted(taken)) return taken;
  }
  FAIL("it was not reported, again and again");
  return {};
}

template <class Act>
std::vector<std::string> reports_of(Act const& act) {
  return reports_of(act, [](std::vector<std::string> const& all) { return !all.empty(); });
}

template <class T>
T run_watched(weft::task<T> root, std::chrono::nanoseconds threshold = 20ms) {
  auto frame = weft::detail::task_access::release(std::move(root));
  weft::detail::run_root_on(
      frame, {.make_backend = &On::make, .after_resume = {}, .stall_threshold = threshold});
  return static_cast<weft::detail::task_promise<T>*>(frame.get())->take();
}

[[gnu::noinline]] void burn_for(std::chrono::milliseconds duration) {
  auto const end = std::chrono::steady_clock::now() + duration;
  while (std::chrono::steady_clock::now() < end) {}
}

// Until something was reported, so while the stall lasts.
[[gnu::noinline]] void burn_until_reported() {
  while (reports::count() == 0) burn_for(1ms);
}

unsigned inlined_line = 0;

[[gnu::always_inline]] inline void burn_inline() {
  auto const end = std::chrono::steady_clock::now() + 60ms;
  inlined_line = std::source_location::current().line() + 1;
  while (std::chrono::steady_clock::now() < end) {}
}

// Built with -g or not: then the report tells lines, too.
bool has_lines() {
  auto const names = weft::detail::symbolise(
      std::array{reinterpret_cast<std::uintptr_t>(&burn_until_reported) + 4});
  return !names.front().place.empty();
}

unsigned awaiting_line = 0;  // of what plant awaits after it

weft::task<> plant() {
  burn_for(200ms);
  awaiting_line = std::source_location::current().line() + 1;
  co_await weft::yield();
}

unsigned plant_line = 0;

weft::task<> plant_below() {
  plant_line = std::source_location::current().line() + 1;
  co_await plant();
}

// The duration that a report tells, in milliseconds.
double told_duration(std::string_view report) {
  constexpr std::string_view before = " the loop for ";
  auto const begin = report.find(before) + before.size();
  double const number = std::strtod(report.data() + begin, nullptr);
  return contains(report.substr(begin, 12), " ms") ? number : number * 1000;
}

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("a busy loop is blamed: function, task, spawn site, awaits, duration") {
  unsigned spawned = 0;
  auto const told = reports_of([&] {
    run_watched([](unsigned& line) -> weft::task<> {
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        line = std::source_location::current().line() + 1;
        tasks.spawn(plant_below()).name("planter");
        co_return;
      });
    }(spawned));
  });
  std::string const report = told.front();
  CAPTURE(report);
  CHECK(contains(report, "weft: task 'planter', spawned at "));
  CHECK(contains(report, at(spawned) + ", held the loop for "));
  CHECK(told_duration(report) >= 200);
  CHECK(contains(report, "(threshold 20 ms; "));
  CHECK(contains(report, "\n  it computes; move that to a weft::thread_pool"));
  CHECK(contains(report, "the stack was, by " + std::string(weft::detail::symboliser)));
  CHECK(contains(report, at(awaiting_line) + " in "));
  CHECK(contains(report, at(plant_line) + " in "));
  CHECK(report.find(at(plant_line)) < report.find(at(awaiting_line)));
  if (weft::detail::symboliser == "libdw") {
    CHECK(contains(report, "burn_for("));
    CHECK(contains(report, "::plant("));
    CHECK(report.find("burn_for(") < report.find("::plant("));
    CHECK_FALSE(contains(report, "weft::v0::detail::loop"));
  }
}

TEST_CASE_ON_REAL_BACKENDS("with debug information, what is inlined is blamed by line and name") {
  if (weft::detail::symboliser != "libdw" || !has_lines()) {
    MESSAGE("skipped: this is built without libdw or without debug information");
    return;
  }
  auto const told = reports_of([] {
    run_watched([]() -> weft::task<> {
      burn_inline();
      co_await weft::yield();
    }());
  });
  std::string const report = told.front();
  CAPTURE(report);
  CHECK(contains(report, "burn_inline"));  // GCC and Clang do not always keep the whole name
  CHECK(contains(report, at(inlined_line) + "\n"));
  CHECK(report.find("burn_inline") < report.find("operator()"));
  CHECK_FALSE(contains(report, "weft::v0::detail::loop"));
}

TEST_CASE_ON_REAL_BACKENDS("a task that ends without another await is named all the same") {
  auto const told = reports_of([] {
    run_watched([]() -> weft::task<> {
      co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
        tasks.spawn([]() -> weft::task<> {
          weft::name_this_task("the last act");
          burn_for(60ms);
          co_return;
        });
        co_return;
      });
    }());
  });
  CHECK(contains(told.front(), "weft: task 'the last act', spawned at "));
  CHECK_FALSE(contains(told.front(), "then it awaited"));
}

TEST_CASE_ON_REAL_BACKENDS("destructors that a task's end runs are blamed, by its spawn site") {
  struct slow {
    bool armed = true;
    slow() = default;
    slow(slow&& other) noexcept : armed(std::exchange(other.armed, false)) {}
    ~slow() {
      if (armed) burn_for(60ms);
    }
  };
  auto const told = reports_of([] {
    run_watched([]() -> weft::task<> {
      co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
        tasks.spawn([](slow) -> weft::task<> { co_return; }(slow()));
        co_return;
      });
    }());
  });
  CAPTURE(told.front());
  CHECK(contains(told.front(), "weft: the end of a task, spawned at "));
  CHECK(contains(told.front(), "\n  destroying what the task held took so long"));
}

TEST_CASE_ON_REAL_BACKENDS("a blocking call is told from computing") {
  auto const told = reports_of([] {
    run_watched([]() -> weft::task<> {
      std::this_thread::sleep_for(200ms);
      co_await weft::yield();
    }());
  });
  CAPTURE(told.front());
  CHECK(contains(told.front(), "weft: task 'root' held the loop for "));
  CHECK(told_duration(told.front()) >= 200);
  CHECK(contains(told.front(), "it waits in a blocking call; use the asynchronous form, or"));
}

TEST_CASE_ON_REAL_BACKENDS("a stall that lasts is reported while it does, and its end is told") {
  reports const collected;
  run_watched([]() -> weft::task<> {
    weft::name_this_task("endless");
    burn_until_reported();
    co_await weft::yield();
  }());
  auto const told = reports::take();
  REQUIRE(told.size() == 2);
  CAPTURE(told[0]);
  CHECK(contains(told[0], "weft: task 'endless' has held the loop for 1."));
  CHECK(contains(told[0], " s and still does (threshold 20 ms; "));
  if (weft::detail::symboliser == "libdw") CHECK(contains(told[0], "burn_until_reported()"));
  CHECK(contains(told[1], "weft: task 'endless' let go of the loop after "));
}

TEST_CASE_ON_REAL_BACKENDS(
    "of several stalls in a second one is reported, and the others counted") {
  auto const stall = []() -> weft::task<> {
    burn_for(60ms);
    co_await weft::yield();
  };
  auto const told = reports_of(
      [&] {
        run_watched([](auto one) -> weft::task<> {
          for (int i = 0; i < 100 && reports::count() == 0; ++i) co_await one();
          for (int i = 0; i < 3; ++i) co_await one();
        }(stall));
      },
      [](std::vector<std::string> const& all) {
        return all.size() == 2 && contains(all[1], " not reported, the longest of ");
      });
  CHECK(contains(told[0], "weft: task 'root' held the loop for "));
  CHECK(contains(told[1], " more stall"));
}

TEST_CASE_ON_REAL_BACKENDS("work that takes less than the threshold is not reported") {
  reports const collected;
  run_watched(
      []() -> weft::task<> {
        for (int i = 0; i < 5; ++i) {
          burn_for(10ms);
          co_await weft::yield();
        }
      }(),
      1h);
  CHECK(reports::take().empty());
}

TEST_CASE_ON_REAL_BACKENDS("a loop that sleeps holds nobody up") {
  reports const collected;
  run_watched([]() -> weft::task<> { co_await weft::sleep_for(100ms); }(), 1ms);
  CHECK(reports::take().empty());
}

TEST_CASE_ON_REAL_BACKENDS("where SIGURG is blocked there is no stack, and the report says so") {
  auto const told = reports_of([] {
    sigset_t urgent;
    sigset_t before;
    ::sigemptyset(&urgent);
    ::sigaddset(&urgent, SIGURG);
    ::pthread_sigmask(SIG_BLOCK, &urgent, &before);
    run_watched([]() -> weft::task<> {
      burn_for(60ms);
      co_await weft::yield();
    }());
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  });
  CHECK(contains(told.front(), "task 'root' held the loop for "));
  CHECK(contains(told.front(), "no stack: SIGURG did not get through"));
}

namespace {

volatile std::sig_atomic_t urgent_data = 0;
extern "C" void on_urgent_data(int) { urgent_data = urgent_data + 1; }

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("the program's own handler of SIGURG gets its signals, and stays") {
  reports const collected;
  urgent_data = 0;
  auto const before = ::signal(SIGURG, on_urgent_data);
  run_watched([]() -> weft::task<> {
    ::kill(::getpid(), SIGURG);
    ::pthread_kill(::pthread_self(), SIGURG);
    burn_for(60ms);
    co_await weft::yield();
  }());
  CHECK(urgent_data == 2);
  bool const stayed = ::signal(SIGURG, before) == on_urgent_data;
  CHECK(stayed);
}
