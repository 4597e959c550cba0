// The standard streams, whatever they are connected with; and the raw mode of a terminal, whatever
// ends it.
#include "weft/terminal.hpp"

#include <fcntl.h>
#include <pty.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/temporary_directory.hpp"
#include "weft/buffered_reader.hpp"
#include "weft/log.hpp"
#include "weft/run.hpp"
#include "weft/scope.hpp"
#include "weft/stream.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"
#include "weft/timeout.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::run_on;

namespace {

// Two ends of something; each of them may be shared with other programs.
struct connected {
  weft::descriptor reads;
  weft::descriptor writes;
};

connected adopt(int reads, int writes) {
  return {weft::descriptor::adopt(reads), weft::descriptor::adopt(writes)};
}

connected by_pipe() {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  return adopt(ends[0], ends[1]);
}

connected by_socket() {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
  return adopt(ends[0], ends[1]);
}

void make_raw(int terminal) {
  termios mode{};
  REQUIRE(::tcgetattr(terminal, &mode) == 0);
  ::cfmakeraw(&mode);
  REQUIRE(::tcsetattr(terminal, TCSANOW, &mode) == 0);
}

// What the program writes, its terminal shows.
connected from_terminal() {
  int shown = -1;
  int program = -1;
  REQUIRE(::openpty(&shown, &program, nullptr, nullptr, nullptr) == 0);
  make_raw(program);
  return adopt(shown, program);
}

// What is typed at the terminal, the program reads.
connected to_terminal() {
  auto ends = from_terminal();
  std::swap(ends.reads, ends.writes);
  return ends;
}

using kind = connected (*)();
constexpr std::array<std::pair<char const*, kind>, 4> kinds = {
    {{"a pipe", by_pipe},
     {"a socket", by_socket},
     {"the terminal of a program", from_terminal},
     {"what is typed at a terminal", to_terminal}}};

std::string error_of(weft::task<std::size_t> step) {
  try {
    run_on<On>(std::move(step));
  } catch (std::system_error const& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE_ON_REAL_BACKENDS(
    "bytes go through a shared descriptor of any kind, which stays blocking") {
  for (auto const& [name, make] : kinds) {
    CAPTURE(name);
    auto const ends = make();
    auto const before = support::open_descriptors();
    int const flags_in = ::fcntl(ends.reads.get(), F_GETFL);
    int const flags_out = ::fcntl(ends.writes.get(), F_GETFL);
    run_on<On>([](int from, int to) -> weft::task<> {
      weft::terminal::input in(from);
      weft::terminal::output out(to);
      std::string const sent = support::pattern(200'000);
      std::string got(sent.size(), '\0');
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        tasks.spawn(weft::write_all(out, support::bytes_of(sent)));
        co_await weft::read_exactly(in, std::as_writable_bytes(std::span(got)));
      });
      CHECK(got == sent);
    }(ends.reads.get(), ends.writes.get()));
    CHECK(::fcntl(ends.reads.get(), F_GETFL) == flags_in);
    CHECK(::fcntl(ends.writes.get(), F_GETFL) == flags_out);
    CHECK(support::open_descriptors() == before);
  }
}

TEST_CASE_ON_REAL_BACKENDS("a read that is cancelled has taken nothing") {
  for (auto const& [name, make] : kinds) {
    CAPTURE(name);
    auto const ends = make();
    run_on<On>([](int from, int to) -> weft::task<> {
      weft::terminal::input in(from);
      std::array<std::byte, 8> buffer{};
      CHECK_THROWS_AS(co_await weft::with_timeout(1ms, in.read_some(buffer)), weft::timed_out);
      REQUIRE(::write(to, "later", 5) == 5);
      CHECK(co_await in.read_some(buffer) == 5);
    }(ends.reads.get(), ends.writes.get()));
  }
}

TEST_CASE_ON_REAL_BACKENDS("a write waits for room while the loop goes on") {
  for (auto const& [name, make] : kinds) {
    CAPTURE(name);
    auto const ends = make();
    run_on<On>([](int from, int to) -> weft::task<> {
      weft::terminal::output out(to);
      std::string const sent(1 << 20, 'x');
      std::size_t got = 0;
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        auto writing = tasks.spawn(weft::write_all(out, support::bytes_of(sent)));
        co_await weft::sleep_for(2ms);  // it is full by now, and this loop is the one that reads
        weft::terminal::input in(from);
        std::array<std::byte, 65'536> buffer{};
        while (got < sent.size()) got += co_await in.read_some(buffer);
      });
      CHECK(got == sent.size());
    }(ends.reads.get(), ends.writes.get()));
  }
}

TEST_CASE_ON_REAL_BACKENDS("the end of a pipe, and of what is typed, is the end of the stream") {
  run_on<On>([]() -> weft::task<> {
    auto ends = by_pipe();
    weft::terminal::input in(ends.reads.get());
    REQUIRE(::write(ends.writes.get(), "one\ntwo", 7) == 7);
    ends.writes.close();
    weft::buffered_reader reader(in);
    CHECK(co_await reader.line() == "one");
    CHECK(co_await reader.line() == "two");
    CHECK_FALSE((co_await reader.line()).has_value());
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a file is read and written where others who share it have come to") {
  support::temporary_directory const directory;
  auto const path = directory / "file";
  auto const file = weft::descriptor::adopt(::open(path.c_str(), O_RDWR | O_CREAT, 0600));
  REQUIRE(::write(file.get(), "0123456789", 10) == 10);
  REQUIRE(::lseek(file.get(), 2, SEEK_SET) == 2);
  run_on<On>([](int fd) -> weft::task<> {
    weft::terminal::input in(fd);
    weft::terminal::output out(fd);
    std::array<std::byte, 3> buffer{};
    co_await weft::read_exactly(in, buffer);
    CHECK(support::text_of(buffer) == "234");
    CHECK(::lseek(fd, 0, SEEK_CUR) == 5);
    co_await weft::write_all(out, support::bytes_of("xyz"));
    CHECK(::lseek(fd, 0, SEEK_CUR) == 8);
    CHECK(co_await in.read_some(buffer) == 2);
    CHECK(co_await in.read_some(buffer) == 0);
  }(file.get()));
  std::string text(10, '\0');
  REQUIRE(::pread(file.get(), text.data(), text.size(), 0) == 10);
  CHECK(text == "01234xyz89");
}

TEST_CASE_ON_REAL_BACKENDS("a device is read and written, and a wait for one can be called off") {
  run_on<On>([]() -> weft::task<> {
    auto const null = weft::descriptor::adopt(::open("/dev/null", O_RDWR));
    weft::terminal::output out(null.get());
    std::string const sent(1 << 20, 'x');
    CHECK(co_await out.write_some(support::bytes_of(sent)) == sent.size());
    weft::terminal::input in(null.get());
    std::array<std::byte, 8> buffer{};
    CHECK(co_await in.read_some(buffer) == 0);
    auto const events = weft::descriptor::adopt(::eventfd(0, 0));
    weft::terminal::input waits(events.get());
    CHECK_THROWS_AS(co_await weft::with_timeout(1ms, waits.read_some(buffer)), weft::timed_out);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("what cannot be read or written says so, by its name") {
  static std::array<std::byte, 8> buffer{};
  auto const read = [](int fd) -> weft::task<std::size_t> {
    weft::terminal::input in(fd);
    co_return co_await in.read_some(buffer);
  };
  auto const write = [](int fd) -> weft::task<std::size_t> {
    weft::terminal::output out(fd);
    co_return co_await out.write_some(buffer);
  };
  CHECK(error_of(read(-1)) == "read fd -1: Bad file descriptor");
  CHECK(error_of(write(12'345)) == "write fd 12345: Bad file descriptor");
  auto const full = weft::descriptor::adopt(::open("/dev/full", O_WRONLY));
  CHECK(error_of(write(full.get())).ends_with(": No space left on device"));
  for (auto const make : {by_pipe, by_socket}) {
    auto ends = make();
    ends.reads.close();
    CHECK(error_of(write(ends.writes.get())).ends_with(": Broken pipe"));
  }
  auto const directory = weft::descriptor::adopt(::open("/", O_RDONLY));
  CHECK(error_of(read(directory.get())).ends_with(": Is a directory"));
}

namespace {

// Runs the program in a forked child, which makes no assertions; yields how it ended.
int status_of_child(std::function<int()> const& program) {
  pid_t const child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    for (int const number : {SIGINT, SIGTERM, SIGABRT}) ::signal(number, SIG_DFL);
    ::_exit(program());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

bool is_raw(int terminal) {
  termios mode{};
  REQUIRE(::tcgetattr(terminal, &mode) == 0);
  return (mode.c_lflag & (ECHO | ICANON | ISIG)) == 0;
}

// The terminal of a program, as it comes.
struct pseudo_terminal {
  weft::descriptor shown;
  weft::descriptor program;

  pseudo_terminal() {
    int master = -1;
    int slave = -1;
    REQUIRE(::openpty(&master, &slave, nullptr, nullptr, nullptr) == 0);
    shown = weft::descriptor::adopt(master);
    program = weft::descriptor::adopt(slave);
  }
};

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("a standard number that was closed at the start is nobody's") {
  support::temporary_directory const directory;
  auto const path = directory / "precious";
  auto const backend = On::is<support::uring>() ? weft::backend_kind::uring  //
                                                : weft::backend_kind::epoll;
  auto const write = []() -> weft::task<int> {
    weft::terminal::output out;
    try {
      co_await out.write_some(support::bytes_of("lost"));
    } catch (std::system_error const& error) {
      std::string_view const said = error.what();
      co_return said == "write stdout: Bad file descriptor" ? 42 : 1;
    }
    co_return 2;
  };
  CHECK(status_of_child([&] {
          ::close(STDOUT_FILENO);
          if (::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600) != STDOUT_FILENO) return 3;
          return weft::run_main(write(), {.backend = backend});
        }) == 42);
  CHECK(::truncate(path.c_str(), 0) == 0);
}

TEST_CASE("a terminal knows its size; nothing else has one") {
  pseudo_terminal const terminal;
  CHECK_FALSE(weft::terminal::size(terminal.program.get()).has_value());
  winsize const wanted{.ws_row = 30, .ws_col = 100, .ws_xpixel = 0, .ws_ypixel = 0};
  REQUIRE(::ioctl(terminal.shown.get(), TIOCSWINSZ, &wanted) == 0);
  auto const size = weft::terminal::size(terminal.program.get());
  REQUIRE(size.has_value());
  CHECK(size->columns == 100);
  CHECK(size->rows == 30);
  auto const ends = by_pipe();
  CHECK_FALSE(weft::terminal::size(ends.writes.get()).has_value());
}

TEST_CASE("raw mode ends with its guard, and can be had once at a time, of a terminal") {
  pseudo_terminal const terminal;
  int const fd = terminal.program.get();
  {
    weft::terminal::raw_mode const raw(fd);
    CHECK(is_raw(fd));
    CHECK_THROWS_AS(weft::terminal::raw_mode{fd}, std::logic_error);
    CHECK(is_raw(fd));
  }
  CHECK_FALSE(is_raw(fd));
  auto const ends = by_pipe();
  CHECK_THROWS_AS(weft::terminal::raw_mode{ends.reads.get()}, std::system_error);
  struct sigaction action{};
  ::sigaction(SIGHUP, nullptr, &action);
  bool const is_default = action.sa_handler == SIG_DFL;
  CHECK(is_default);
}

TEST_CASE("raw mode ends however the program does") {
  pseudo_terminal const terminal;
  int const fd = terminal.program.get();
  auto const ends_by = [&](std::function<int()> const& end) {
    int const status = status_of_child([&] {
      weft::terminal::raw_mode const raw(fd);
      return is_raw(fd) ? end() : 99;
    });
    CHECK_FALSE(is_raw(fd));
    return status;
  };
  auto const killed_by = [&](int number) { return ends_by([number] { return ::raise(number); }); };
  CHECK(ends_by([]() -> int { std::quick_exit(7); }) == 7);
  CHECK(killed_by(SIGTERM) == -SIGTERM);
  CHECK(killed_by(SIGINT) == -SIGINT);
  CHECK(killed_by(SIGHUP) == -SIGHUP);
  CHECK(killed_by(SIGABRT) == -SIGABRT);
  auto const second_signal = []() -> weft::task<int> {
    ::raise(SIGINT);
    ::raise(SIGINT);
    co_return 9;
  };
  CHECK(ends_by([&] { return weft::run_main(second_signal()); }) == 128 + SIGINT);
  auto const failing = []() -> weft::task<int> {
    throw std::runtime_error("as it should");
    co_return 9;
  };
  weft::set_log_hook([](weft::log_level, std::string_view) noexcept {});
  CHECK(ends_by([&] { return weft::run_main(failing()); }) == 1);
  weft::set_log_hook(nullptr);
}
