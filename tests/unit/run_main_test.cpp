// run_main: signals, draining and exit codes, each in a forked child of its own.
#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "weft/cancel.hpp"
#include "weft/error.hpp"
#include "weft/event.hpp"
#include "weft/log.hpp"
#include "weft/run.hpp"
#include "weft/signals.hpp"
#include "weft/this_task.hpp"
#include "weft/thread_pool.hpp"
#include "weft/time.hpp"

using namespace std::chrono_literals;

namespace {

int log_descriptor = -1;

void write_to_log(weft::log_level, std::string_view message) noexcept {
  [[maybe_unused]] auto const written = ::write(log_descriptor, message.data(), message.size());
}

struct ended {
  int code = 0;  // -N: killed by signal N
  std::string log;
};

// Runs the program in a child whose log hook and stderr write to a pipe. The child makes no
// assertions; it says what it has found by its exit code.
ended run_in_child(std::function<int()> const& program) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  std::fflush(nullptr);  // lest the child, too, print what is buffered
  pid_t const child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    log_descriptor = ends[1];
    ::dup2(ends[1], STDERR_FILENO);
    for (int const number : {SIGINT, SIGTERM, SIGQUIT}) ::signal(number, SIG_DFL);
    weft::set_log_hook(write_to_log);
    ::_exit(program());
  }
  ::close(ends[1]);
  ended result;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    result.log.append(buffer, static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return result;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

weft::task<int> quit_and_go_on() {
  weft::thread_pool pool({.size = 1, .name = "diggers"});
  weft::name_this_task("asked");
  ::raise(SIGQUIT);
  co_await weft::sleep_for(1ms);
  co_return 7;
}

}  // namespace

TEST_CASE("a root without a value exits with 0, one with a value exits with that") {
  CHECK(run_in_child([] {
          return weft::run_main([]() -> weft::task<> { co_await weft::sleep_for(1us); }());
        }).code == 0);
  CHECK(run_in_child([] {
          return weft::run_main([]() -> weft::task<int> { co_return 42; }());
        }).code == 42);
}

TEST_CASE("the first signal stops, and a program that finishes in time exits with 0") {
  for (int const signal : {SIGTERM, SIGINT}) {
    CAPTURE(signal);
    auto const result = run_in_child([&] {
      return weft::run_main([](int number) -> weft::task<int> {
        ::raise(number);
        bool const by_itself = co_await weft::until_stop(weft::sleep_for(1h));
        bool const asked = weft::stop_requested();
        co_await weft::sleep_for(1ms);  // draining: nothing is cancelled yet
        co_return !by_itself && asked ? 0 : 9;
      }(signal));
    });
    CHECK(result.code == 0);
    CHECK(result.log.empty());
  }
}

TEST_CASE("a signal from another process wakes a program that sleeps") {
  auto const result = run_in_child([] {
    return weft::run_main([]() -> weft::task<int> {
      pid_t const parent = ::getpid();
      pid_t const sender = ::fork();
      if (sender == 0) ::_exit(::kill(parent, SIGTERM));
      bool const by_itself = co_await weft::until_stop(weft::sleep_for(1h));
      ::waitpid(sender, nullptr, 0);
      co_return by_itself ? 9 : 0;
    }());
  });
  CHECK(result.code == 0);
}

TEST_CASE("waiting for a stop and nothing else is no deadlock") {
  auto const result = run_in_child([] {
    return weft::run_main([]() -> weft::task<> {
      pid_t const parent = ::getpid();
      pid_t const sender = ::fork();
      if (sender == 0) ::_exit(::kill(parent, SIGTERM));
      weft::event never;
      co_await weft::until_stop(never.wait());
      ::waitpid(sender, nullptr, 0);
    }());
  });
  CHECK(result.code == 0);
  CHECK(result.log.empty());
}

TEST_CASE("a second signal ends the program at once with 128 and its number") {
  auto const result = run_in_child([] {
    return weft::run_main([]() -> weft::task<int> {
      ::raise(SIGINT);
      ::raise(SIGTERM);
      co_return 9;
    }());
  });
  CHECK(result.code == 128 + SIGTERM);
}

TEST_CASE("what has not finished at the drain deadline is cancelled: 128 and the signal's number") {
  auto const result = run_in_child([] {
    return weft::run_main(
        []() -> weft::task<int> {
          ::raise(SIGTERM);
          co_await weft::sleep_for(1h);
          co_return 9;
        }(),
        {.drain = 1ms});
  });
  CHECK(result.code == 128 + SIGTERM);
  CHECK(result.log.empty());
}

TEST_CASE("a root that was cancelled and returns all the same exits with its own value") {
  auto const result = run_in_child([] {
    return weft::run_main(
        []() -> weft::task<int> {
          ::raise(SIGTERM);
          try {
            co_await weft::sleep_for(1h);
          } catch (weft::cancelled const&) {}
          co_return 3;
        }(),
        {.drain = 0ms});
  });
  CHECK(result.code == 3);
}

TEST_CASE("an exception is logged in one line, and the program exits with 1") {
  auto const result = run_in_child([] {
    return weft::run_main([]() -> weft::task<> {
      throw std::runtime_error("no such thing");
      co_return;
    }());
  });
  CHECK(result.code == 1);
  CHECK(result.log == "no such thing");
  auto const odd = run_in_child([] {
    return weft::run_main([]() -> weft::task<> {
      throw 5;
      co_return;
    }());
  });
  CHECK(odd.code == 1);
  CHECK_FALSE(odd.log.empty());
}

TEST_CASE("a program that cancels itself, without any signal, exits with 1") {
  auto const result = run_in_child([] {
    return weft::run_main([]() -> weft::task<> {
      throw weft::cancelled();
      co_return;
    }());
  });
  CHECK(result.code == 1);
  CHECK_FALSE(result.log.empty());
}

TEST_CASE("signals that are ignored at the start stay ignored, and others are restored") {
  auto const result = run_in_child([] {
    ::signal(SIGINT, SIG_IGN);
    int const code = weft::run_main([]() -> weft::task<int> {
      ::raise(SIGINT);
      co_await weft::yield();
      co_await weft::sleep_for(1us);
      co_return weft::stop_requested() ? 9 : 0;
    }());
    bool const as_before =
        ::signal(SIGINT, SIG_DFL) == SIG_IGN && ::signal(SIGTERM, SIG_DFL) == SIG_DFL;
    return as_before ? code : 8;
  });
  CHECK(result.code == 0);
}

TEST_CASE("run_main may be called again, and the old signal is forgotten") {
  auto const result = run_in_child([] {
    auto const stop = []() -> weft::task<int> {
      ::raise(SIGTERM);
      co_await weft::until_stop(weft::sleep_for(1h));
      co_return 0;
    };
    auto const go_on = []() -> weft::task<int> {
      co_await weft::sleep_for(1us);
      co_return weft::stop_requested() ? 9 : 4;
    };
    if (int const code = weft::run_main(stop()); code != 0) return code;
    return weft::run_main(go_on());
  });
  CHECK(result.code == 4);
}

TEST_CASE("a backend that cannot be had is an error of the program") {
  auto const result = run_in_child([] {
    ::setenv("WEFT_BACKEND", "nonsense", 1);
    return weft::run_main([]() -> weft::task<> { co_return; }());
  });
  CHECK(result.code == 1);
  CHECK(result.log.find("WEFT_BACKEND=nonsense") != std::string::npos);
}

TEST_CASE("SIGQUIT prints tasks, metrics and pools to stderr, and the program goes on") {
  auto const result = run_in_child([] { return weft::run_main(quit_and_go_on()); });
  CAPTURE(result.log);
  CHECK(result.code == 7);
  CHECK(result.log.starts_with("1 task\nasked: waiting "));
  CHECK(contains(result.log, "run_main_test.cpp:"));
  CHECK(contains(result.log, "\nloop on "));
  CHECK(contains(result.log, "\nnow: 1 tasks, 1 timers, "));
  CHECK(contains(result.log, "\ndiggers of 1: 0 queued, "));
}

TEST_CASE("WEFT_DUMP=json makes that one object of JSON") {
  auto const result = run_in_child([] {
    ::setenv("WEFT_DUMP", "json", 1);
    return weft::run_main(quit_and_go_on());
  });
  CAPTURE(result.log);
  CHECK(result.code == 7);
  CHECK(result.log.starts_with(R"({"tasks":[{"name":"asked","depth":0,"state":"waiting",)"));
  CHECK(contains(result.log, R"(,"metrics":{"backend":")"));
  CHECK(contains(result.log, R"("pools":[{"name":"diggers","size":1,)"));
  CHECK(result.log.ends_with("}\n"));
}

TEST_CASE("a WEFT_DUMP that is no form is an error of the program") {
  auto const result = run_in_child([] {
    ::setenv("WEFT_DUMP", "yaml", 1);
    return weft::run_main([]() -> weft::task<> { co_return; }());
  });
  CHECK(result.code == 1);
  CHECK(result.log == "WEFT_DUMP=yaml: there is no such form; use text or json");
}

TEST_CASE("each SIGQUIT prints anew, and stops nothing") {
  auto const result = run_in_child([] {
    return weft::run_main([]() -> weft::task<int> {
      for (int i = 0; i < 3; ++i) {
        ::raise(SIGQUIT);
        co_await weft::sleep_for(1ms);
      }
      co_return weft::stop_requested() ? 9 : 0;
    }());
  });
  CHECK(result.code == 0);
  std::size_t printed = 0;
  for (std::size_t at = 0; (at = result.log.find("loop on ", at)) != std::string::npos; ++at)
    ++printed;
  CHECK(printed == 3);
}

TEST_CASE("a SIGQUIT that is ignored at the start stays ignored, and a subscriber has his own") {
  auto const result = run_in_child([] {
    ::signal(SIGQUIT, SIG_IGN);
    int const ignored = weft::run_main(quit_and_go_on());
    ::signal(SIGQUIT, SIG_DFL);
    if (ignored != 7) return 8;
    int const subscribed = weft::run_main([]() -> weft::task<int> {
      weft::signals quits({SIGQUIT});
      ::raise(SIGQUIT);
      auto const came = co_await quits.next();
      co_return came == SIGQUIT ? 7 : 9;
    }());
    return ::signal(SIGQUIT, SIG_DFL) == SIG_DFL ? subscribed : 6;
  });
  CHECK(result.code == 7);
  CHECK(result.log.empty());
}
