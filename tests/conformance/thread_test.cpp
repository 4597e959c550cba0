// Threads with a name: their end, what they throw, what they are called, and how they are stopped.
#include "weft/thread.hpp"

#include <pthread.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "support/backends.hpp"
#include "support/every_point.hpp"
#include "weft/log.hpp"
#include "weft/run.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/timeout.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::run_on;

namespace {

void wait_for_stop(std::stop_token stop) {
  while (!stop.stop_requested()) std::this_thread::sleep_for(100us);
}

std::string name_in_the_system() {
  std::array<char, 16> name{};
  ::pthread_getname_np(::pthread_self(), name.data(), name.size());
  return name.data();
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("a thread runs a function with its arguments, and is joined") {
  run_on<On>([]() -> weft::task<> {
    int sum = 0;
    std::thread::id where;
    auto const add = [](int& into, std::unique_ptr<int> a, int b, std::thread::id& on) {
      into = *a + b;
      on = std::this_thread::get_id();
    };
    weft::thread const adder("adder", add, std::ref(sum), std::make_unique<int>(2), 3,
                             std::ref(where));
    co_await adder.join();
    co_await adder.join();
    CHECK(adder.ended());
    CHECK(sum == 5);
    CHECK(where != std::this_thread::get_id());
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a thread knows its name, and the system the beginning of it") {
  CHECK(weft::this_thread_name() == "MainThread");
  run_on<On>([]() -> weft::task<> {
    std::string whole;
    std::string shown;
    auto const ask = [&] {
      whole = weft::this_thread_name();
      // The name is given by whoever starts the thread, perhaps after its first steps.
      while ((shown = name_in_the_system()) != "a thread with a") std::this_thread::yield();
    };
    weft::thread const named("a thread with a long name", ask);
    CHECK(named.name() == "a thread with a long name");
    co_await named.join();
    CHECK(whole == "a thread with a long name");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("what a thread throws is thrown by each join") {
  run_on<On>([]() -> weft::task<> {
    weft::thread const failing("failing", [] { throw std::runtime_error("it broke"); });
    for (int i = 0; i < 2; ++i)
      CHECK_THROWS_WITH_AS(co_await failing.join(), "it broke", std::runtime_error);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("an exception that no join has thrown is logged") {
  static std::string logged;
  logged.clear();
  auto const before = weft::set_log_hook(
      [](weft::log_level, std::string_view text) noexcept { logged = std::string(text); });
  {
    weft::thread const failing("failing", [] { throw std::runtime_error("it broke"); });
  }
  weft::set_log_hook(before);
  CHECK(logged.find("the thread failing ended by std::runtime_error: it broke") != logged.npos);
}

TEST_CASE_ON_EVERY_BACKEND("a join that runs out of time loses nothing") {
  run_on<On>([]() -> weft::task<> {
    weft::thread const waiting("waiting", wait_for_stop);
    for (int i = 0; i < 3; ++i)
      CHECK_THROWS_AS(co_await weft::with_timeout(1ms, waiting.join()), weft::timed_out);
    CHECK_FALSE(waiting.ended());
    waiting.request_stop();
    co_await waiting.join();
  }());
}

TEST_CASE_ON_EVERY_BACKEND("several tasks may join one thread") {
  run_on<On>([]() -> weft::task<> {
    weft::thread const waiting("waiting", wait_for_stop);
    int joined = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 3; ++i)
        tasks.spawn([&]() -> weft::task<> {
          co_await waiting.join();
          ++joined;
        });
      co_await weft::yield();
      waiting.request_stop();
    });
    CHECK(joined == 3);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a thread that is destroyed is stopped and waited for") {
  std::atomic<bool> over{false};
  auto const work = [&](std::stop_token stop) {
    wait_for_stop(stop);
    over = true;
  };
  {
    weft::thread first("first", work);
    weft::thread second;
    CHECK_FALSE(second);
    second = std::move(first);
    CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move)
    CHECK_THROWS_AS(first.request_stop(), std::logic_error);
    CHECK_FALSE(over);
  }
  CHECK(over);
}

TEST_CASE_ON_EVERY_BACKEND("joining a thread can be cancelled at every point") {
  support::cancel_at_every_point<On>([]() -> weft::task<> {
    weft::thread const quick("quick", [] {});
    co_await quick.join();
    co_await quick.join();
  });
}
