// Remote senders: other threads that send into a channel of the loop.
#include "weft/remote.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "support/backends.hpp"
#include "weft/log.hpp"
#include "weft/scope.hpp"

using support::run_on;
using support::simulated;

namespace {

// Joins at the end of the test, whatever happens.
class thread_group {
 public:
  ~thread_group() { join(); }
  template <class Fn>
  void start(Fn fn) {
    threads_.emplace_back(std::move(fn));
  }
  void join() {
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  std::vector<std::thread> threads_;
};

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("items of several threads all arrive, each thread's in its order") {
  constexpr int threads = 4;
  constexpr int each = 500;
  std::vector<std::vector<int>> received(threads);
  thread_group senders;
  run_on<On>([&]() -> weft::task<> {
    weft::channel<std::pair<int, int>> items(8);
    for (int number = 0; number < threads; ++number)
      senders.start([to = items.remote(16), number]() mutable {
        for (int i = 0; i < each; ++i) to.send({number, i});
      });
    for (int i = 0; i < threads * each; ++i) {
      auto const item = co_await items.receive();
      received[static_cast<std::size_t>(item->first)].push_back(item->second);
    }
  }());
  for (auto const& of_thread : received) {
    REQUIRE(of_thread.size() == each);
    for (int i = 0; i < each; ++i) CHECK(of_thread[static_cast<std::size_t>(i)] == i);
  }
}

TEST_CASE_ON_EVERY_BACKEND("a loop that waits only for a thread is no deadlock") {
  thread_group threads;
  auto const received = run_on<On>([&]() -> weft::task<std::unique_ptr<int>> {
    weft::channel<std::unique_ptr<int>> answers(0);
    threads.start([to = answers.remote()]() mutable { CHECK(to.send(std::make_unique<int>(5))); });
    auto answer = co_await answers.receive();  // GCC 13 and 14 take no (co_await ...).x here
    co_return std::move(answer.value());
  }());
  CHECK(*received == 5);
}

TEST_CASE("at most `limit` items are on their way; a further send waits in its thread") {
  run_on<simulated>([]() -> weft::task<> {
    weft::channel<int> items(0);
    auto to = items.remote(2);
    // The loop does not turn while this thread holds it, so nothing arrives.
    std::thread([&] {
      CHECK(to.try_send(1));
      CHECK(to.try_send(2));
      CHECK_FALSE(to.try_send(3));
    }).join();
    thread_group threads;
    threads.start([to]() mutable { CHECK(to.send(3)); });
    for (int i = 1; i <= 3; ++i) CHECK(co_await items.receive() == i);
  }());
}

TEST_CASE("a blocked thread is never more than the limit ahead of the receiver") {
  constexpr int limit = 3;
  run_on<simulated>([]() -> weft::task<> {
    weft::channel<int> items(0);
    std::atomic<int> received = 0;
    std::atomic<int> furthest_ahead = 0;
    thread_group threads;
    threads.start([&, to = items.remote(limit)]() mutable {
      for (int i = 0; i < 200; ++i) {
        to.send(std::move(i));
        furthest_ahead = std::max(furthest_ahead.load(), i + 1 - received.load());
      }
    });
    for (int i = 0; i < 200; ++i) {
      CHECK(co_await items.receive() == i);
      ++received;
    }
    threads.join();
    // One more: an item counts as received only after the loop has resumed this task.
    CHECK(furthest_ahead <= limit + 1);
  }());
}

TEST_CASE("closing the channel releases a blocked thread, and its item stays with it") {
  run_on<simulated>([]() -> weft::task<> {
    weft::channel<std::unique_ptr<int>> items(0);
    weft::channel<bool> about_to_block(1);
    thread_group threads;
    std::unique_ptr<int> kept;
    threads.start([&kept, to = items.remote(1), tell = about_to_block.remote()]() mutable {
      CHECK(to.send(std::make_unique<int>(1)));  // under way when the channel closes: dropped
      CHECK(tell.send(true));
      kept = std::make_unique<int>(2);
      CHECK_FALSE(to.send(std::move(kept)));
      CHECK_FALSE(to.try_send(std::make_unique<int>(3)));
    });
    co_await about_to_block.receive();
    items.close();
    threads.join();
    REQUIRE(kept);
    CHECK(*kept == 2);
  }());
}

TEST_CASE("the end of the loop releases a blocked thread, also when the channel lives on") {
  weft::channel<int> items(0);
  thread_group threads;
  run_on<simulated>([&]() -> weft::task<> {
    weft::channel<bool> about_to_block(1);
    threads.start([to = items.remote(1), tell = about_to_block.remote()]() mutable {
      CHECK(to.send(1));
      CHECK(tell.send(true));
      CHECK_FALSE(to.send(2));
    });
    co_await about_to_block.receive();
  }());
  threads.join();
}

TEST_CASE("a remote sender may outlive channel and loop, and then sends nothing") {
  std::optional<weft::remote_sender<int>> late;
  run_on<simulated>([&]() -> weft::task<> {
    weft::channel<int> items(4);
    late.emplace(items.remote());
    CHECK(late->send(1));
    CHECK(co_await items.receive() == 1);
  }());
  auto copy = *late;
  CHECK_FALSE(late->send(2));
  CHECK_FALSE(copy.try_send(3));
}

TEST_CASE("a limit of 0 is refused, since nothing could ever be sent") {
  run_on<simulated>([]() -> weft::task<> {
    weft::channel<int> channel(1);
    CHECK_THROWS_AS(channel.remote(0), std::invalid_argument);
    co_return;
  }());
}

TEST_CASE("a remote sender of a closed channel refuses") {
  run_on<simulated>([]() -> weft::task<> {
    weft::channel<int> items(4);
    items.close();
    auto to = items.remote();
    CHECK_FALSE(to.try_send(1));
    co_return;
  }());
}

TEST_CASE_ON_EVERY_BACKEND("dropping the last remote sender ends the wait for it") {
  bool deadlocked = false;
  thread_group threads;
  auto const before = weft::set_log_hook([](weft::log_level, std::string_view) noexcept {});
  try {
    run_on<On>([&]() -> weft::task<> {
      weft::channel<int> items(0);
      threads.start([to = items.remote()] {});
      co_await items.receive();
    }());
  } catch (weft::deadlock const&) {
    deadlocked = true;
  }
  weft::set_log_hook(before);
  CHECK(deadlocked);
}

TEST_CASE("items of threads and of tasks share one channel") {
  run_on<simulated>([]() -> weft::task<> {
    weft::channel<int> items(1);
    thread_group threads;
    int sum = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      threads.start([to = items.remote(2)]() mutable {
        for (int i = 0; i < 50; ++i) to.send(1);
      });
      tasks.spawn([&]() -> weft::task<> {
        for (int i = 0; i < 50; ++i) co_await items.send(1);
      });
      for (int i = 0; i < 100; ++i) sum += (co_await items.receive()).value();
    });
    CHECK(sum == 100);
  }());
}
