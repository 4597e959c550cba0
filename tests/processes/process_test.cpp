// Processes that are given a function: how they are started, end, are told, and what they see.
#include "weft/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>

#include "support/backends.hpp"
#include "thread_sanitizer.hpp"
#include "weft/fork_server.hpp"
#include "weft/run.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"
#include "weft/timeout.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::run_on;
using weft::process;

namespace {

int return_seven() { return 7; }
void do_nothing() {}
[[noreturn]] void sleep_for_ever() {
  for (;;) ::pause();
}
[[noreturn]] void spin() {
  for (volatile int turns = 0;;) turns = turns + 1;
}

struct point {
  int x = 0;
  int y = 0;
  bool operator==(point const&) const = default;
  MSGPACK_DEFINE(x, y)
};
enum class color : std::uint8_t { red, blue };

// Runs a function in a process and yields its exit code.
template <class Fn, class... Args>
weft::task<int> exit_code_of(Fn fn, Args... args) {
  auto const child = co_await process::start(fn, std::move(args)...);
  co_return co_await child.join();
}

// Memory that is shared with all that is forked later.
template <class T>
class shared {
 public:
  shared()
      : at_(static_cast<T*>(::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  shared(shared const&) = delete;
  shared& operator=(shared const&) = delete;
  ~shared() { ::munmap(at_, sizeof(T)); }

  T* operator->() const { return at_; }

 private:
  T* at_;
};

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("a process runs a function, and what that returns is its exit code") {
  run_on<On>([]() -> weft::task<> {
    CHECK(co_await exit_code_of(return_seven) == 7);
    CHECK(co_await exit_code_of(do_nothing) == 0);
    CHECK(co_await exit_code_of([](int a, int b) { return a + b; }, 20, 3) == 23);
    CHECK(co_await exit_code_of([] { return std::string("no number"); }) == 0);
    CHECK(co_await exit_code_of([] { ::_exit(9); }) == 9);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a process has a number, and an exit code once it has ended") {
  run_on<On>([]() -> weft::task<> {
    auto child = co_await process::start(sleep_for_ever);
    CHECK(child.pid() > 0);
    CHECK(child.pid() != ::getpid());
    CHECK_FALSE(child.exit_code());
    child.terminate();
    CHECK(co_await child.join() == -SIGTERM);
    CHECK(child.exit_code() == -SIGTERM);
    CHECK(co_await child.join() == -SIGTERM);
    child.terminate();  // too late, so nothing happens
    child.kill();

    auto other = co_await process::start(spin);
    CHECK_THROWS_AS(other.signal(1000), std::system_error);
    other.kill();
    CHECK(co_await other.join() == -SIGKILL);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("what arrives in a process equals what was sent") {
  run_on<On>([]() -> weft::task<> {
    auto const check = [](std::string text, std::string_view view, std::vector<point> points,
                          color shade, std::chrono::milliseconds time,
                          std::chrono::steady_clock::time_point moment, std::filesystem::path path,
                          std::variant<int, std::string> either, std::optional<double> nothing,
                          std::vector<std::byte> bytes, std::pair<bool, std::int64_t> pair) {
      bool const same =
          text == "text" && view == "view" && points == std::vector<point>{{1, 2}, {3, 4}} &&
          shade == color::blue && time == 5ms && moment.time_since_epoch() == 77ns &&
          path == "/a/b" && either == std::variant<int, std::string>("x") && !nothing &&
          bytes == std::vector<std::byte>(3, std::byte{9}) && pair == std::pair(true, INT64_MIN);
      return same ? 0 : 1;
    };
    std::vector<point> const points{{1, 2}, {3, 4}};
    CHECK(co_await exit_code_of(check, "text", std::string_view("view"), points, color::blue, 5ms,
                                std::chrono::steady_clock::time_point(77ns),
                                std::filesystem::path("/a/b"), std::variant<int, std::string>("x"),
                                std::optional<double>(), std::vector<std::byte>(3, std::byte{9}),
                                std::pair(true, std::int64_t{INT64_MIN})) == 0);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("arguments of any size arrive") {
  run_on<On>([]() -> weft::task<> {
    for (std::size_t const size : {0, 1, 32'000, 32'768, 40'000, 30'000'000}) {
      auto const check = [](std::string text, std::size_t expected) {
        return text.size() == expected &&
                       std::ranges::count(text, 'x') == static_cast<std::ptrdiff_t>(expected)
                   ? 0
                   : 1;
      };
      CHECK(co_await exit_code_of(check, std::string(size, 'x'), size) == 0);
    }
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a task is run on a loop of the process") {
  run_on<On>([]() -> weft::task<> {
    auto const body = [](int code) -> weft::task<int> {
      co_await weft::sleep_for(1ms);
      co_return code;
    };
    CHECK(co_await exit_code_of(body, 5) == 5);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("an exception in a process is printed and makes its exit code 1") {
  std::array<int, 2> pipe{};
  REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
  run_on<On>([](int to) -> weft::task<> {
    auto const fail = [](std::string file) {
      ::dup2(::open(file.c_str(), O_WRONLY), STDERR_FILENO);
      throw std::runtime_error("it broke");
    };
    auto const path = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(to);
    auto const child = co_await process::start(fail, path);
    CHECK(co_await child.join() == 1);
  }(pipe[1]));
  std::array<char, 200> said{};
  auto const size = ::read(pipe[0], said.data(), said.size());
  auto const text =
      std::string_view(said.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  CHECK(text.starts_with("weft: process "));
  CHECK(text.ends_with(" ended by std::runtime_error: it broke\n"));
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_CASE_ON_EVERY_BACKEND("a join that runs out of time loses nothing") {
  run_on<On>([]() -> weft::task<> {
    auto child = co_await process::start(sleep_for_ever);
    for (int i = 0; i < 3; ++i)
      CHECK_THROWS_AS(co_await weft::with_timeout(1ms, child.join()), weft::timed_out);
    child.kill();
    CHECK(co_await child.join() == -SIGKILL);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("several tasks may wait for one process") {
  run_on<On>([]() -> weft::task<> {
    auto child = co_await process::start(sleep_for_ever);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 3; ++i)
        tasks.spawn([&]() -> weft::task<> { CHECK(co_await child.join() == -SIGTERM); });
      co_await weft::yield();
      child.terminate();
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a process that nobody holds any more is killed") {
  int const pidfd = run_on<On>([]() -> weft::task<int> {
    auto const child = co_await process::start(spin);
    co_return static_cast<int>(::syscall(SYS_pidfd_open, child.pid(), 0));
  }());
  pollfd ended{.fd = pidfd, .events = POLLIN, .revents = 0};
  CHECK(::poll(&ended, 1, 10'000) == 1);
  ::close(pidfd);
}

TEST_CASE_ON_EVERY_BACKEND("the program's own waits do not see the processes") {
  run_on<On>([]() -> weft::task<> {
    auto const child = co_await process::start(do_nothing);
#if WEFT_THREAD_SANITIZER
    MESSAGE("skipped: with ThreadSanitizer the fork server is a child as any other");
#else
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
#endif
    CHECK(co_await child.join() == 0);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a process knows whose it is") {
  run_on<On>([]() -> weft::task<> {
    CHECK(weft::owner_pid() == ::getpid());
    auto const check = [](pid_t owner) { return weft::owner_pid() == owner ? 0 : 1; };
    CHECK(co_await exit_code_of(check, ::getpid()) == 0);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a process has no descriptors but the standard ones") {
  run_on<On>([]() -> weft::task<> {
    int const open_here = ::open("/dev/null", O_RDONLY);
    auto const count = [] {
      int others = 0;
      for (int fd = 3; fd < 4096; ++fd)
        if (::fcntl(fd, F_GETFD) >= 0) ++others;
      return others;
    };
    CHECK(co_await exit_code_of(count) == 0);
    ::close(open_here);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a process begins with the signals of a new program") {
  sigset_t usr1;
  ::sigemptyset(&usr1);
  ::sigaddset(&usr1, SIGUSR1);
  ::sigprocmask(SIG_BLOCK, &usr1, nullptr);
  run_on<On>([]() -> weft::task<> {
    auto const check = [] {
      sigset_t blocked;
      ::sigprocmask(SIG_SETMASK, nullptr, &blocked);
      struct sigaction term{};
      ::sigaction(SIGTERM, nullptr, &term);
      return !::sigismember(&blocked, SIGUSR1) && term.sa_handler == SIG_DFL ? 0 : 1;
    };
    CHECK(co_await exit_code_of(check) == 0);
  }());
  ::sigprocmask(SIG_UNBLOCK, &usr1, nullptr);
}

TEST_CASE_ON_EVERY_BACKEND("a hundred processes at once all end") {
  run_on<On>([]() -> weft::task<> {
    co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 100; ++i)
        tasks.spawn([](int code) -> weft::task<> {
          CHECK(co_await exit_code_of([](int n) { return n; }, code) == code);
        }(i));
      co_return;
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a process may start processes") {
  run_on<On>([]() -> weft::task<> {
    auto const nest = []() -> weft::task<int> { co_return co_await exit_code_of(return_seven); };
    CHECK(co_await exit_code_of(nest) == 7);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a process whose loop the advisor watches may start processes") {
  run_on<On>([]() -> weft::task<> {
    auto const nest = [] {
      ::setenv("WEFT_STALL", "1s", 1);
      return weft::run(exit_code_of(return_seven));
    };
    CHECK(co_await exit_code_of(nest) == 7);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("cancelled while it starts, a process is killed") {
  weft::start_fork_server();
  auto const before = support::open_descriptors();
  run_on<On>([]() -> weft::task<> {
    int started = 0;  // now and then the answer is there already, and is then delivered
    for (int i = 0; i < 20; ++i) {
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        auto const starting = tasks.spawn([&]() -> weft::task<> {
          auto const child = co_await process::start(spin);
          ++started;
        });
        co_await weft::yield();  // it has asked
        starting.cancel();
      });
    }
    CHECK(started < 20);
  }());
  CHECK(support::descriptors_fall_to(before));
}

TEST_CASE_ON_REAL_BACKENDS("the end of the program is the end of its processes") {
#if WEFT_THREAD_SANITIZER
  MESSAGE("skipped: ThreadSanitizer knows no threads in the fork of a program that had some");
#else
  std::array<int, 2> pipe{};
  REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
  std::cout.flush();  // or the other program writes it too
  pid_t const program = ::fork();
  REQUIRE(program >= 0);
  if (program == 0) {
    run_on<On>([](int to) -> weft::task<> {
      std::vector<process> children;
      children.push_back(co_await process::start(spin));
      children.push_back(co_await process::start(sleep_for_ever));
      children.push_back(co_await process::start([] {
        int const null = ::open("/dev/null", O_WRONLY);
        for (;;) static_cast<void>(::write(null, "x", 1));
      }));
      for (auto const& child : children) {
        pid_t const number = child.pid();
        static_cast<void>(::write(to, &number, sizeof number));
      }
      co_await weft::sleep_for(1h);
    }(pipe[1]));
    ::_exit(0);
  }
  std::array<pollfd, 3> ends{};
  for (auto& end : ends) {
    pid_t number = 0;
    REQUIRE(::read(pipe[0], &number, sizeof number) == sizeof number);
    end = {.fd = static_cast<int>(::syscall(SYS_pidfd_open, number, 0)),
           .events = POLLIN,
           .revents = 0};
    REQUIRE(end.fd >= 0);
  }
  ::kill(program, SIGKILL);
  CHECK(::waitpid(program, nullptr, 0) == program);
  for (auto& end : ends) {
    CHECK(::poll(&end, 1, 1000) == 1);
    ::close(end.fd);
  }
  ::close(pipe[0]);
  ::close(pipe[1]);
#endif
}

TEST_CASE("with threads of its own a program must start the fork server first, and is told so") {
#if WEFT_THREAD_SANITIZER
  MESSAGE("skipped: ThreadSanitizer knows no threads in the fork of a program that had some");
#else
  std::cout.flush();
  pid_t const program = ::fork();  // which has no server yet
  REQUIRE(program >= 0);
  if (program == 0) {
    std::atomic<bool> end{false};
    std::thread other([&] {
      while (!end) std::this_thread::sleep_for(1ms);
    });
    std::string said;
    try {
      run_on<support::epoll>(
          []() -> weft::task<> { auto const child = co_await process::start(do_nothing); }());
    } catch (std::logic_error const& error) {
      said = error.what();
    }
    end = true;
    other.join();
    ::_exit(said == "weft::process: the fork server must start before the program has other "
                    "threads; call weft::start_fork_server() first, at the top of main"
                ? 0
                : 1);
  }
  int status = -1;
  CHECK(::waitpid(program, &status, 0) == program);
  CHECK(status == 0);
#endif
}
