// Conversations with a command: no size and no order of reading and writing makes one hang, and
// what others do with its pipes does not either.
#include "weft/command.hpp"

#include <sys/wait.h>

#include <chrono>
#include <string>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/every_point.hpp"
#include "support/foreign.hpp"
#include "weft/timeout.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::foreign;
using support::pattern;
using support::run_on;
using weft::stdio;

namespace {

constexpr std::size_t many = 3'000'001;  // well above what pipes hold

weft::command_output conversation(weft::command const& with, std::string input) {
  return run_on<On>(with.communicate(std::move(input)));
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("input and both outputs flow at once") {
  auto const sent = pattern(many);
  auto const got = conversation(foreign("copy"), sent);
  CHECK(got.status.success());
  CHECK(got.out == sent);
  CHECK(got.err == sent);
  CHECK_FALSE(got.cut);
}

TEST_CASE_ON_EVERY_BACKEND("a command may read before it writes, after it, in part, or never") {
  auto const size = std::to_string(many);
  auto const text = pattern(many);
  for (auto const& with : {foreign("early", size, size), foreign("late", size, size),
                           foreign("closes", size), foreign("deaf", size)}) {
    auto const got = conversation(with, text);
    CHECK(got.status.to_string() == "exit code 0");
    CHECK(got.out == text);
    CHECK(got.err == text);
    CHECK_FALSE(got.cut);
  }
}

TEST_CASE_ON_EVERY_BACKEND("an empty input ends at once, and small ones arrive") {
  CHECK(conversation(foreign("copy"), "").out.empty());
  CHECK(conversation(foreign("copy"), "x").out == "x");
  CHECK(conversation(weft::command("sh"), "echo 1; echo 2 >&2; exit 4").err == "2\n");
}

TEST_CASE_ON_EVERY_BACKEND("outputs that are no pipes are not read") {
  auto const got = conversation(foreign("copy").output_to(stdio::null()), "text");
  CHECK(got.out.empty());
  CHECK(got.err == "text");
  CHECK(conversation(foreign("copy").errors_to(stdio::output()), "a").out == "aa");
}

TEST_CASE_ON_EVERY_BACKEND("a process that was left behind cuts the output after the grace") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    auto const leaving = foreign("leave", std::to_string(pipe.read.get())).pass(pipe.read.get());
    for (auto const grace : {0ns, 1'000'000ns}) {
      auto const got = co_await weft::command(leaving).grace(grace).output();
      CHECK(got.status.success());
      CHECK(got.out == "early");  // what the command itself wrote is never lost
      CHECK(got.cut);
    }
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a process that was left behind is heard to its end within the grace") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    auto const leaving = foreign("leave", std::to_string(pipe.read.get())).pass(pipe.read.get());
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const whole = tasks.spawn(weft::command(leaving).grace(24h).output());
      co_await weft::yield();
      pipe.write.close();
      auto const got = co_await whole;
      CHECK(got.out == "earlylate");
      CHECK_FALSE(got.cut);
    });
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a cancellation reaches a process that was left behind, too") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    auto leaving = foreign("leave", std::to_string(pipe.read.get()));
    leaving.pass(pipe.read.get()).grace(24h);
    CHECK_THROWS_AS(co_await weft::with_timeout(50ms, leaving.output()), weft::timed_out);
    pipe.read.close();
    co_await weft::readable(pipe.write.get());  // an error: nobody has the other end any more
  }());
}

TEST_CASE_ON_EVERY_BACKEND("too much output kills the command") {
  run_on<On>([]() -> weft::task<> {
    auto const flood = foreign("deaf", "1000000").output_limit(100'000);
    std::size_t limit = 0;
    std::string text;
    try {
      co_await flood.output();
    } catch (weft::output_too_large const& error) {
      limit = error.limit_bytes();
      text = error.what();
    }
    CHECK(limit == 100'000);
    CHECK(text == WEFT_FOREIGN_PROGRAM " writes more than 100000 bytes");
    auto const got = co_await foreign("deaf", "50000").output_limit(100'000).output();
    CHECK(got.out.size() + got.err.size() == 100'000);  // the limit itself is allowed
    CHECK_THROWS_AS(co_await foreign("deaf", "50001").output_limit(100'000).output(),
                    weft::output_too_large);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a timeout ends a command that does not") {
  auto const before = support::open_descriptors();
  run_on<On>([]() -> weft::task<> {
    CHECK_THROWS_AS(co_await weft::with_timeout(1ms, foreign("stubborn").output()),
                    weft::timed_out);
    CHECK_THROWS_AS(
        co_await weft::with_timeout(1ms, foreign("pause").communicate(pattern(1'000'000))),
        weft::timed_out);
    CHECK_THROWS_AS(
        co_await weft::with_timeout(1ms, foreign("pause").output_to(stdio::null()).status()),
        weft::timed_out);
  }());
  CHECK(support::open_descriptors() == before);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE_ON_EVERY_BACKEND("a conversation can be cancelled at every point") {
  auto const input = pattern(200'000);
  auto const rounds = support::cancel_at_every_point<On>(
      [&]() -> weft::task<> {
        auto const got = co_await foreign("copy").communicate(input);
        support::expect(got.out == input);
      },
      [] { CHECK(::waitpid(-1, nullptr, WNOHANG) == -1); });
  CHECK(rounds > 3);
}

TEST_CASE_ON_EVERY_BACKEND("any allocation of a conversation may fail") {
  auto const rounds = support::fail_every_allocation<On>(
      []() -> weft::task<> {
        auto const got = co_await foreign("copy").variable("A", "1").communicate("text");
        support::expect(got.out == "text");
      },
      [] { CHECK(::waitpid(-1, nullptr, WNOHANG) == -1); });
  CHECK((rounds > 3 || !support::allocations_can_fail));
}
