// A loop on a thread of its own, used from synchronous code.
#include "weft/background_loop.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <future>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/allocations.hpp"
#include "support/backends.hpp"
#include "weft/cancel.hpp"
#include "weft/event.hpp"
#include "weft/log.hpp"
#include "weft/time.hpp"

using namespace std::chrono_literals;

TEST_CASE("run waits for the value, submit yields a future") {
  weft::background_loop loop;
  CHECK(loop.run([]() -> weft::task<int> {
    co_await weft::sleep_for(1us);
    co_return 1;
  }) == 1);
  auto text = loop.submit([]() -> weft::task<std::string> { co_return "two"; });
  auto nothing = loop.submit([]() -> weft::task<> { co_return; });
  CHECK(text.get() == "two");
  nothing.get();
  loop.join();
}

TEST_CASE("a submitted function runs on the loop's thread, and lives until its task has ended") {
  weft::background_loop loop;
  auto const watched = std::make_shared<int>(3);
  auto const ran_on = loop.run([watched]() -> weft::task<std::thread::id> {
    co_await weft::sleep_for(1us);
    CHECK(*watched == 3);
    co_return std::this_thread::get_id();
  });
  CHECK(ran_on != std::this_thread::get_id());
  loop.join();
  CHECK(watched.use_count() == 1);
}

TEST_CASE("submitted tasks run concurrently") {
  weft::background_loop loop;
  auto const released = std::make_shared<weft::event>();
  auto waiting = loop.submit([released]() -> weft::task<int> {
    co_await released->wait();
    co_return 7;
  });
  loop.run([released]() -> weft::task<> {
    released->set();
    co_return;
  });
  CHECK(waiting.get() == 7);
}

TEST_CASE("an exception arrives in the future and harms no other job") {
  weft::background_loop loop;
  auto failing = loop.submit([]() -> weft::task<int> {
    throw std::runtime_error("broken");
    co_return 0;
  });
  CHECK(loop.run([]() -> weft::task<int> { co_return 2; }) == 2);
  // Both threads own the exception, and ThreadSanitizer does not see how libstdc++ counts owners.
  loop.join();
  CHECK_THROWS_WITH_AS(failing.get(), "broken", std::runtime_error);
}

TEST_CASE("a job that there is no memory to begin harms no other job") {
  weft::background_loop loop({.backend = weft::backend_kind::epoll});
  auto const released = std::make_shared<weft::event>();
  auto waiting = loop.submit([released]() -> weft::task<int> {
    co_await released->wait();
    co_return 7;
  });
  auto const run_if_memory_allows = [&loop](auto job) {
    try {
      loop.run(job);
    } catch (weft::cancelled const&) {
    } catch (std::bad_alloc const&) {}
  };
  for (int nth = 1; nth <= 8; ++nth) {
    loop.run([nth]() -> weft::task<> {
      support::fail_allocation(nth);  // of the loop's thread from now on, once
      co_return;
    });
    for (int i = 0; i < 2; ++i) run_if_memory_allows([]() -> weft::task<> { co_return; });
    run_if_memory_allows([]() -> weft::task<> {
      support::stop_failing_allocations();
      co_return;
    });
  }
  loop.run([released]() -> weft::task<> {
    released->set();
    co_return;
  });
  CHECK(waiting.get() == 7);
}

TEST_CASE("join waits for all that was submitted, and then no more is taken") {
  weft::background_loop loop;
  std::vector<std::future<int>> futures;
  for (int i = 0; i < 200; ++i)
    futures.push_back(loop.submit([i]() -> weft::task<int> {
      co_await weft::sleep_for(std::chrono::microseconds(i % 7));
      co_return i;
    }));
  loop.join();
  for (int i = 0; i < 200; ++i) {
    auto& future = futures[static_cast<std::size_t>(i)];
    REQUIRE(future.wait_for(0s) == std::future_status::ready);
    CHECK(future.get() == i);
  }
  CHECK_THROWS_AS(loop.submit([]() -> weft::task<> { co_return; }), std::logic_error);
  loop.join();
}

TEST_CASE("the destructor cancels what still runs, and waits for its clean-up") {
  std::future<int> cancelled;
  bool cleaned = false;
  {
    weft::background_loop loop;
    cancelled = loop.submit([&cleaned]() -> weft::task<int> {
      try {
        co_await weft::sleep_for(10h);
      } catch (weft::cancelled const&) {}
      co_await weft::shield(weft::sleep_for(1ms));
      cleaned = true;
      throw weft::cancelled();
    });
    // What was submitted later has ended, so the first is waiting.
    loop.run([]() -> weft::task<> { co_return; });
  }
  CHECK(cleaned);
  CHECK_THROWS_AS(cancelled.get(), weft::cancelled);
}

TEST_CASE("a job that the destructor finds has a value or was cancelled, begun or not") {
  std::vector<std::future<int>> futures;
  std::promise<void> all_submitted;
  auto const released = all_submitted.get_future().share();
  {
    weft::background_loop loop;
    futures.push_back(loop.submit([released]() -> weft::task<int> {
      released.wait();  // holds the loop, so the others pile up
      co_return 0;
    }));
    for (int i = 1; i < 200; ++i)
      futures.push_back(loop.submit([i]() -> weft::task<int> { co_return i; }));
    all_submitted.set_value();
  }
  for (int i = 0; i < 200; ++i) {
    CAPTURE(i);
    try {
      int const value = futures[static_cast<std::size_t>(i)].get();
      CHECK(value == i);
    } catch (weft::cancelled const&) {}
  }
}

TEST_CASE("what prevents the start is thrown by the constructor") {
  char const* const before = std::getenv("WEFT_BACKEND");
  std::string const kept = before != nullptr ? before : "";
  ::setenv("WEFT_BACKEND", "nonsense", 1);
  CHECK_THROWS_AS(weft::background_loop{}, std::invalid_argument);
  if (before != nullptr)
    ::setenv("WEFT_BACKEND", kept.c_str(), 1);
  else
    ::unsetenv("WEFT_BACKEND");
}

TEST_CASE("a job that nothing can end is cancelled once the loop is joined") {
  auto const before = weft::set_log_hook([](weft::log_level, std::string_view) noexcept {});
  weft::background_loop loop;
  auto stuck = loop.submit([]() -> weft::task<> {
    weft::event never;
    co_await never.wait();
  });
  loop.join();
  weft::set_log_hook(before);
  CHECK_THROWS_AS(stuck.get(), weft::cancelled);
}

TEST_CASE("several threads may submit at once") {
  weft::background_loop loop;
  std::vector<std::thread> threads;
  std::vector<int> sums(4);
  for (auto& sum : sums)
    threads.emplace_back([&loop, &sum] {
      for (int i = 0; i < 50; ++i)
        sum += loop.run([i]() -> weft::task<int> {
          co_await weft::sleep_for(0s);
          co_return i;
        });
    });
  for (auto& thread : threads) thread.join();
  for (int const sum : sums) CHECK(sum == 49 * 50 / 2);
}

TEST_CASE("join may be called while others submit and join: a job is done or refused") {
  for (int i = 0; i < 20; ++i) {
    weft::background_loop loop;
    std::promise<void> first_submitted;
    int submitted = 0;
    int done = 0;
    std::thread submitting([&] {
      try {
        for (;; ++submitted) {
          loop.submit([&done]() -> weft::task<> {
            ++done;
            co_return;
          });
          if (submitted == 0) first_submitted.set_value();
        }
      } catch (std::logic_error const&) {}
    });
    first_submitted.get_future().wait();
    std::thread joining([&] { loop.join(); });
    loop.join();
    submitting.join();
    joining.join();
    CHECK(done == submitted);
  }
}

TEST_CASE("a background loop leaves no descriptor open") {
  auto const before = support::open_descriptors();
  for (int i = 0; i < 3; ++i) {
    weft::background_loop loop({.backend = weft::backend_kind::epoll});
    loop.run([]() -> weft::task<> { co_await weft::sleep_for(1us); });
  }
  CHECK(support::open_descriptors() == before);
}
