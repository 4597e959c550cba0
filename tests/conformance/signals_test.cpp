// Signals as sequences: who gets them, what is not lost, and what they do before and after.
#include "weft/signals.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "support/backends.hpp"
#include "weft/cancel.hpp"
#include "weft/run.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/timeout.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::run_on;

namespace {

bool is_default(int number) {
  struct sigaction action{};
  ::sigaction(number, nullptr, &action);
  return action.sa_handler == SIG_DFL;
}

weft::task<bool> comes(weft::signals& awaited) {
  try {
    co_await weft::with_timeout(1ms, awaited.next());
    co_return true;
  } catch (weft::timed_out const&) {
    co_return false;
  }
}

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("every subscriber gets each signal that comes") {
  run_on<On>([]() -> weft::task<> {
    weft::signals one{SIGUSR1};
    weft::signals other{SIGUSR1, SIGUSR2};
    ::raise(SIGUSR1);
    CHECK(co_await one.next() == SIGUSR1);
    CHECK(co_await other.next() == SIGUSR1);
    ::raise(SIGUSR2);
    CHECK(co_await other.next() == SIGUSR2);
    CHECK_FALSE(co_await comes(one));
  }());
  CHECK(is_default(SIGUSR1));
  CHECK(is_default(SIGUSR2));
}

TEST_CASE_ON_REAL_BACKENDS("what came before it was taken counts once, the lowest number first") {
  run_on<On>([]() -> weft::task<> {
    weft::signals both{SIGUSR2, SIGUSR1};
    for (int const number : {SIGUSR2, SIGUSR1, SIGUSR2, SIGUSR1}) ::raise(number);
    CHECK(co_await both.next() == SIGUSR1);
    CHECK(co_await both.next() == SIGUSR2);
    CHECK_FALSE(co_await comes(both));
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a signal to the process wakes a loop that waits for nothing else") {
  run_on<On>([]() -> weft::task<> {
    weft::signals hangups{SIGHUP};
    for (int i = 0; i < 3; ++i) {
      std::jthread const sender([] { ::kill(::getpid(), SIGHUP); });
      CHECK(co_await hangups.next() == SIGHUP);
    }
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a cancelled wait for a signal loses none") {
  run_on<On>([]() -> weft::task<> {
    weft::signals signals{SIGUSR1};
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto waiting =
          tasks.spawn([](weft::signals& from) -> weft::task<> { co_await from.next(); }(signals));
      co_await weft::yield();
      waiting.cancel();
      ::raise(SIGUSR1);
    });
    CHECK(co_await signals.next() == SIGUSR1);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("when the last subscriber leaves, a signal does what it did before") {
  static std::atomic<int> old_handler_called{0};
  old_handler_called = 0;
  ::signal(SIGUSR1, [](int) { ++old_handler_called; });
  run_on<On>([]() -> weft::task<> {
    {
      weft::signals one{SIGUSR1};
      {
        weft::signals const other{SIGUSR1};
        ::raise(SIGUSR1);
      }
      ::raise(SIGUSR1);
      CHECK(co_await one.next() == SIGUSR1);
      CHECK(old_handler_called == 0);
      ::raise(SIGUSR1);  // on its way when the subscriber leaves
    }
    ::raise(SIGUSR1);
    CHECK(old_handler_called == 1);
  }());
  ::signal(SIGUSR1, SIG_DFL);
}

TEST_CASE_ON_REAL_BACKENDS(
    "signals that cannot be waited for are refused, and nothing is changed") {
  run_on<On>([]() -> weft::task<> {
    auto const refused = [](int number) -> std::string {
      try {
        weft::signals const none{SIGUSR1, number};
      } catch (std::exception const& error) {
        return error.what();
      }
      return "subscribed";
    };
    CHECK(refused(SIGKILL) == "subscribe to signal 9: Invalid argument");
    CHECK(refused(SIGSTOP) == "subscribe to signal 19: Invalid argument");
    CHECK(refused(0) == "subscribe to signal 0: Invalid argument");
    CHECK(refused(65) == "subscribe to signal 65: Invalid argument");
    CHECK(refused(32) == "subscribe to signal 32: Invalid argument");  // the C library's own
    CHECK(refused(SIGSEGV).starts_with("weft: subscribe to signal 11: it tells of a fault"));
    CHECK(is_default(SIGUSR1));
    co_return;
  }());
}

TEST_CASE_ON_REAL_BACKENDS("under run_main a signal that has a subscriber stops nothing") {
  pid_t const self = ::getpid();
  auto const program = [](pid_t to) -> weft::task<int> {
    {
      weft::signals terminations{SIGTERM};
      for (int i = 0; i < 3; ++i) {  // the second would have ended the process
        ::kill(to, SIGTERM);
        if (co_await terminations.next() != SIGTERM) co_return 1;
      }
      if (weft::stop_requested()) co_return 2;
    }
    ::kill(to, SIGTERM);
    co_return (co_await weft::until_stop(weft::sleep_for(1h))) ? 3 : 0;
  };
  auto const backend = On::is<support::uring>() ? weft::backend_kind::uring  //
                                                : weft::backend_kind::epoll;
  CHECK(weft::run_main(program(self), {.backend = backend}) == 0);
}

TEST_CASE_ON_REAL_BACKENDS("subscribers of several loops come and go in a storm of signals") {
  std::atomic<bool> over{false};
  ::signal(SIGUSR1, SIG_IGN);  // while nobody subscribes
  std::jthread storm([&] {
    while (!over) ::kill(::getpid(), SIGUSR1);
  });
  auto const come_and_go = []() -> weft::task<> {
    for (int i = 0; i < 200; ++i) {
      weft::signals one{SIGUSR1};
      weft::signals const other{SIGUSR1, SIGUSR2};
      CHECK(co_await one.next() == SIGUSR1);
    }
  };
  std::vector<std::jthread> loops;
  auto const make = &On::make;
  for (int i = 0; i < 3; ++i)
    loops.emplace_back([&] {
      auto frame = weft::detail::task_access::release(come_and_go());
      weft::detail::run_root_on(frame, {.make_backend = make, .after_resume = {}});
      if (frame.get()->error) std::rethrow_exception(frame.get()->error);
    });
  loops.clear();
  over = true;
  storm.join();
  ::signal(SIGUSR1, SIG_DFL);
}
