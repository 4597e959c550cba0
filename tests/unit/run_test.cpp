// run: a task on a new loop of this thread.
#include "weft/run.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>

#include "support/allocations.hpp"
#include "support/backends.hpp"
#include "weft/cancel.hpp"
#include "weft/error.hpp"
#include "weft/event.hpp"
#include "weft/log.hpp"
#include "weft/loop.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"

using namespace std::chrono_literals;

namespace {

weft::task<int> at_once(int value) { co_return value; }

// Sets or removes WEFT_BACKEND while it lives.
class backend_variable {
 public:
  explicit backend_variable(char const* value) {
    if (char const* const before = std::getenv(name)) {
      had_ = true;
      before_ = before;
    }
    value != nullptr ? ::setenv(name, value, 1) : ::unsetenv(name);
  }
  ~backend_variable() { had_ ? ::setenv(name, before_.c_str(), 1) : ::unsetenv(name); }
  backend_variable(backend_variable const&) = delete;
  backend_variable& operator=(backend_variable const&) = delete;

 private:
  static constexpr char const* name = "WEFT_BACKEND";
  bool had_ = false;
  std::string before_;
};

weft::task<std::string> backend_of_this_loop() {
  CHECK_FALSE(weft::this_loop::backend_reason().empty());
  co_return std::string(weft::this_loop::backend_name());
}

}  // namespace

TEST_CASE("run yields values of every kind") {
  CHECK(weft::run(at_once(1)) == 1);
  weft::run([]() -> weft::task<> { co_return; }());
  auto const movable =
      weft::run([]() -> weft::task<std::unique_ptr<int>> { co_return std::make_unique<int>(2); }());
  CHECK(*movable == 2);
  int target = 0;
  int& reference = weft::run([](int& to) -> weft::task<int&> { co_return to; }(target));
  CHECK(&reference == &target);
}

TEST_CASE("run throws what the task throws, cancelled among it") {
  auto const fail = []() -> weft::task<int> {
    throw std::runtime_error("broken");
    co_return 0;
  };
  CHECK_THROWS_WITH_AS(weft::run(fail()), "broken", std::runtime_error);
  auto const give_up = []() -> weft::task<> {
    throw weft::cancelled();
    co_return;
  };
  CHECK_THROWS_AS(weft::run(give_up()), weft::cancelled);
  CHECK(weft::run(at_once(3)) == 3);
}

TEST_CASE("run of an empty task, and run inside a running loop, throw logic_error") {
  CHECK_THROWS_AS(weft::run(weft::task<>()), std::logic_error);
  weft::run([]() -> weft::task<> {
    CHECK_THROWS_AS(weft::run(at_once(1)), std::logic_error);
    co_await weft::sleep_for(1us);  // the outer loop is unharmed
  }());
}

TEST_CASE("loops on several threads do not know of each other") {
  int values[3] = {};
  std::thread threads[3];
  for (int i = 0; i < 3; ++i)
    threads[i] = std::thread([&value = values[i], i] {
      value = weft::run([](int number) -> weft::task<int> {
        co_await weft::sleep_for(1us);
        co_return number;
      }(i));
    });
  for (auto& thread : threads) thread.join();
  for (int i = 0; i < 3; ++i) CHECK(values[i] == i);
}

TEST_CASE("the options and WEFT_BACKEND choose the backend, the variable first") {
  backend_variable const none(nullptr);
  CHECK(weft::run(backend_of_this_loop(), {.backend = weft::backend_kind::epoll}) == "epoll");
  {
    backend_variable const epoll("epoll");
    CHECK(weft::run(backend_of_this_loop()) == "epoll");
    CHECK(weft::run(backend_of_this_loop(), {.backend = weft::backend_kind::uring}) == "epoll");
  }
  {
    backend_variable const empty("");
    CHECK(weft::run(backend_of_this_loop(), {.backend = weft::backend_kind::epoll}) == "epoll");
  }
  backend_variable const unknown("kqueue");
  CHECK_THROWS_AS(weft::run(at_once(1)), std::invalid_argument);
}

TEST_CASE_ON_EVERY_BACKEND("a wait that nothing can end is a deadlock, thrown after draining") {
  auto const before = weft::set_log_hook([](weft::log_level, std::string_view) noexcept {});
  bool cleaned = false;
  bool thrown = false;
  try {
    support::run_on<On>([&]() -> weft::task<> {
      weft::event never;
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        tasks.spawn([&]() -> weft::task<> { co_await weft::shield(never.wait()); });
        try {
          co_await never.wait();
        } catch (weft::cancelled const&) {
          cleaned = true;
          throw;
        }
      });
    }());
  } catch (weft::deadlock const&) {
    thrown = true;
  }
  weft::set_log_hook(before);
  CHECK(cleaned);
  CHECK(thrown);
}

TEST_CASE_ON_EVERY_BACKEND("an allocation that fails anywhere in run fails run, and nothing else") {
  auto const before = support::open_descriptors();
  bool ran = false;
  int nth = 0;
  do {
    ++nth;
    CAPTURE(nth);
    REQUIRE(nth < 1000);
    // Each round has a thread of its own, since frames come from a cache per thread.
    std::thread([&] {
      auto root = weft::detail::task_access::release(at_once(nth));
      weft::detail::loop_setup const setup{.make_backend = &On::make, .after_resume = {}};
      weft::detail::root_companion const companion = [](weft::detail::loop&, weft::detail::chain&) {
        return std::make_shared<int>(0);
      };
      support::fail_allocation(nth);
      try {
        weft::detail::run_root_on(root, setup, companion);
        ran = true;
      } catch (std::bad_alloc const&) {}
      support::stop_failing_allocations();
    }).join();
  } while (!ran);
  CHECK(support::open_descriptors() == before);
}

TEST_CASE_ON_EVERY_BACKEND("a loop leaves no descriptor open") {
  auto const before = support::open_descriptors();
  support::run_on<On>([]() -> weft::task<> { co_await weft::sleep_for(1us); }());
  CHECK(support::open_descriptors() == before);
}
