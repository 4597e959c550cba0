// Children that are spoken with as streams: their ends, signals to them, and what becomes of them
// when nobody waits.
#include "weft/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <string>
#include <string_view>
#include <utility>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/every_point.hpp"
#include "support/foreign.hpp"
#include "thread_sanitizer.hpp"
#include "weft/buffered_reader.hpp"
#include "weft/log.hpp"
#include "weft/run.hpp"
#include "weft/stream.hpp"
#include "weft/timeout.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::bytes_of;
using support::foreign;
using support::run_on;
using weft::stdio;

namespace {

bool has_children() { return ::waitpid(-1, nullptr, WNOHANG) != -1; }

weft::task<> read_ready(weft::child_process& child) {
  std::array<std::byte, 6> said{};
  co_await weft::read_exactly(child.output, said);
  CHECK(support::text_of(said) == "ready\n");
}

// A watched process that is not a child of ours; its number is given while it lives.
weft::descriptor watch(pid_t process) {
  return weft::descriptor::adopt(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
}

bool ends_within(weft::descriptor const& pidfd, int milliseconds) {
  pollfd asked{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  return ::poll(&asked, 1, milliseconds) == 1;
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("a child's pipes are streams") {
  run_on<On>([]() -> weft::task<> {
    auto child = foreign("copy").errors_to(stdio::pipe()).spawn();
    CHECK(child.pid() > 0);
    co_await weft::write_all(child.input, bytes_of("a line\n"));
    weft::buffered_reader out(child.output);
    weft::buffered_reader err(child.error_output);
    CHECK(co_await out.line() == "a line");
    CHECK(co_await err.line() == "a line");
    CHECK_FALSE(child.status());
    child.input.close();
    CHECK_FALSE((co_await out.line()).has_value());
    CHECK((co_await child.wait()).success());
    CHECK(child.status()->success());
    CHECK((co_await child.wait()).success());
  }());
  CHECK_FALSE(has_children());
}

TEST_CASE_ON_EVERY_BACKEND(
    "unless it is said, stdin and stdout are pipes and stderr is the parent's") {
  run_on<On>([]() -> weft::task<> {
    auto child = foreign("exit", "0").spawn();
    CHECK(child.input);
    CHECK(child.output);
    CHECK_FALSE(child.error_output);
    auto other = foreign("exit", "3").input_from(stdio::null()).output_to(stdio::null()).spawn();
    CHECK_FALSE(other.input);
    CHECK_FALSE(other.output);
    CHECK((co_await other.wait()).exit_code() == 3);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a wait that runs out of time loses nothing") {
  run_on<On>([]() -> weft::task<> {
    auto child = foreign("wait").spawn();
    co_await read_ready(child);
    for (int i = 0; i < 3; ++i)
      CHECK_THROWS_AS(co_await weft::with_timeout(1ms, child.wait()), weft::timed_out);
    CHECK_FALSE(child.status());
    child.input.close();
    CHECK((co_await child.wait()).success());
    CHECK((co_await weft::with_timeout(1ms, child.wait())).success());
  }());
}

TEST_CASE_ON_EVERY_BACKEND("several tasks may wait for one child") {
  run_on<On>([]() -> weft::task<> {
    auto child = foreign("wait").spawn();
    co_await read_ready(child);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 3; ++i)
        tasks.spawn([&]() -> weft::task<> { CHECK((co_await child.wait()).success()); });
      co_await weft::yield();
      child.input.close();
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("signals reach a child until it has ended") {
  run_on<On>([]() -> weft::task<> {
    auto child = foreign("pause").spawn();
    co_await read_ready(child);
    CHECK_THROWS_AS(child.signal(1000), std::system_error);
    child.terminate();
    CHECK((co_await child.wait()).exit_code() == -SIGTERM);
    child.terminate();
    child.kill();

    auto stubborn = foreign("stubborn").spawn();
    co_await read_ready(stubborn);
    stubborn.terminate();
    CHECK_THROWS_AS(co_await weft::with_timeout(1ms, stubborn.wait()), weft::timed_out);
    stubborn.signal(SIGUSR1);
    CHECK((co_await stubborn.wait()).signal() == SIGUSR1);

    auto dead = foreign("exit", "0").spawn();
    co_await weft::readable(dead.pidfd());
    dead.kill();  // too late
    CHECK((co_await dead.wait()).success());
  }());
}

TEST_CASE_ON_EVERY_BACKEND(
    "a signal reaches what the child has started, and the group is its own") {
  run_on<On>([]() -> weft::task<> {
    CHECK((co_await foreign("group").output()).out == "leads");
    auto child = foreign("family").spawn();
    weft::buffered_reader out(child.output);
    auto const second = co_await out.line();
    auto const grandchild = watch(static_cast<pid_t>(std::stol(std::string(*second))));
    CHECK(co_await out.line() == "ready");
    child.terminate();
    CHECK((co_await child.wait()).signal() == SIGTERM);
    co_await weft::readable(grandchild.get());
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a child that nobody waits for is killed and reaped") {
  auto const before = support::open_descriptors();
  weft::descriptor grandchild;
  {
    auto child = run_on<On>([](weft::descriptor& watched) -> weft::task<weft::child_process> {
      auto started = foreign("family").spawn();
      weft::buffered_reader out(started.output);
      auto const second = co_await out.line();
      watched = watch(static_cast<pid_t>(std::stol(std::string(*second))));
      co_return started;
    }(grandchild));
    CHECK(has_children());
    child = weft::child_process();
    CHECK_FALSE(has_children());
    CHECK_FALSE(child);
  }
  CHECK(ends_within(grandchild, 60'000));
  grandchild = weft::descriptor();
  CHECK(support::open_descriptors() == before);
}

TEST_CASE_ON_EVERY_BACKEND("a child moves, and is released to the caller") {
  run_on<On>([]() -> weft::task<> {
    auto child = foreign("wait").spawn();
    auto moved = std::move(child);
    CHECK_FALSE(child);  // NOLINT(bugprone-use-after-move)
    co_await read_ready(moved);
    moved.input.close();
    auto const pidfd = weft::descriptor::adopt(moved.release());
    CHECK_FALSE(moved);
    co_await weft::readable(pidfd.get());
    siginfo_t info{};
    CHECK(::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED) == 0);
    CHECK(info.si_status == 0);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a child that the kernel reaps by itself is an error, not a hang") {
  std::signal(SIGCHLD, SIG_IGN);
  run_on<On>([]() -> weft::task<> {
    auto child = foreign("wait").spawn();  // which lives until it is spoken to
    child.input.close();
    for (int i = 0; i < 2; ++i)
      CHECK_THROWS_WITH_AS(
          co_await child.wait(),
          ("wait for the child process " + std::to_string(child.pid()) + ": No child processes")
              .c_str(),
          std::system_error);
    child.kill();
    auto const unwaited = foreign("wait").spawn();
  }());
  std::signal(SIGCHLD, SIG_DFL);
}

TEST_CASE_ON_EVERY_BACKEND("waiting for a child can be cancelled at every point") {
  support::cancel_at_every_point<On>(
      []() -> weft::task<> {
        auto child = foreign("copy").errors_to(stdio::null()).spawn();
        co_await weft::write_all(child.input, bytes_of("x"));
        child.input.close();
        support::expect((co_await child.wait()).success());
        support::expect((co_await foreign("exit", "3").status()).exit_code() == 3);
      },
      [] { CHECK_FALSE(has_children()); });
}

// With the standard streams closed, pipes and files get their numbers.
TEST_CASE_ON_EVERY_BACKEND("standard streams that the parent has closed disturb nothing") {
  std::array<int, 3> kept{};
  for (int fd = 0; fd < 3; ++fd) {
    kept[static_cast<std::size_t>(fd)] = ::fcntl(fd, F_DUPFD_CLOEXEC, 10);
    ::close(fd);
  }
  weft::command_output plain;
  weft::command_output inherits;
  std::string descriptors;
  run_on<On>([&]() -> weft::task<> {
    plain = co_await foreign("copy").communicate("text");
    // Inherited are not the pipes that have taken the free numbers, but nothing.
    auto low = weft::make_pipe();
    inherits = co_await foreign("copy").errors_to(stdio::inherit()).communicate("text");
    auto const listed = co_await foreign("descriptors").input_from(stdio::inherit()).output();
    descriptors = listed.out;
  }());
  for (int fd = 0; fd < 3; ++fd) {
    ::dup2(kept[static_cast<std::size_t>(fd)], fd);
    ::close(kept[static_cast<std::size_t>(fd)]);
  }
  CHECK(plain.out == "text");
  CHECK(plain.err == "text");
  CHECK(inherits.out == "text");
  CHECK(inherits.err.empty());
  CHECK(descriptors == "0 1 2 ");
}

TEST_CASE_ON_EVERY_BACKEND("standard streams can be swapped") {
  auto const out = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
  auto const err = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
  auto first = weft::make_pipe();
  auto second = weft::make_pipe();
  ::dup2(first.write.get(), STDOUT_FILENO);
  ::dup2(second.write.get(), STDERR_FILENO);
  bool succeeded = false;
  run_on<On>([&]() -> weft::task<> {
    auto const ended = co_await weft::command("sh", "-c", "printf out; printf error >&2")
                           .output_to(stdio::descriptor(STDERR_FILENO))
                           .errors_to(stdio::descriptor(STDOUT_FILENO))
                           .status();
    succeeded = ended.success();
  }());
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::close(out);
  ::close(err);
  CHECK(succeeded);
  std::array<char, 16> buffer{};
  CHECK(::read(first.read.get(), buffer.data(), buffer.size()) == 5);
  CHECK(::read(second.read.get(), buffer.data(), buffer.size()) == 3);
}

TEST_CASE_ON_REAL_BACKENDS("the end of the parent is the end of the child, unless it outlives it") {
#if WEFT_THREAD_SANITIZER
  MESSAGE("skipped: with ThreadSanitizer a child hears nothing of its parent's death");
#else
  for (bool const outlives : {false, true}) {
    auto to_test = weft::make_pipe();
    pid_t const parent = ::fork();
    REQUIRE(parent >= 0);
    if (parent == 0) {
      run_on<On>([](bool lives_on, weft::pipe_ends& told) -> weft::task<> {
        auto what = foreign("pause");
        what.output_to(stdio::null());  // a pipe without a reader would end it
        if (lives_on) what.outlive_parent();
        auto child = what.spawn();
        pid_t const number = child.pid();
        ::write(told.write.get(), &number, sizeof(number));
        co_await child.wait();
      }(outlives, to_test));
      ::_exit(0);
    }
    pid_t child = -1;
    REQUIRE(::read(to_test.read.get(), &child, sizeof(child)) == sizeof(child));
    auto const watched = watch(child);
    ::kill(parent, SIGKILL);
    CHECK(::waitpid(parent, nullptr, 0) == parent);
    CHECK(ends_within(watched, outlives ? 100 : 1000) != outlives);
    ::syscall(SYS_pidfd_send_signal, watched.get(), SIGKILL, nullptr, 0);
  }
#endif
}
