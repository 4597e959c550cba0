// Raw mode, and the ways out of it: the destructor, std::exit, and the signals that end a program.
#include "raw_mode.hpp"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include <fmt/format.h>

#include "signals_blocked.hpp"
#include "weft/error.hpp"
#include "weft/terminal.hpp"

namespace weft::inline v0 {

namespace {

// The standard ones that end a process which does not handle them, but for SIGKILL, and SIGPIPE,
// which does not come.
constexpr std::array ending_signals = {SIGHUP,  SIGINT,  SIGQUIT,   SIGILL,  SIGTRAP, SIGABRT,
                                       SIGBUS,  SIGFPE,  SIGUSR1,   SIGSEGV, SIGUSR2, SIGALRM,
                                       SIGTERM, SIGXCPU, SIGVTALRM, SIGPROF, SIGXFSZ, SIGSYS,
                                       SIGIO,   SIGPWR,  SIGSTKFLT};

// `raw_fd` is set once the others are whole.
termios before;
pid_t owner = 0;
std::atomic<int> raw_fd{-1};
std::atomic_flag exists;

// The handler is gone when it is called (SA_RESETHAND), so the signal then does what it always did.
extern "C" void restore_and_end(int number) {
  detail::restore_terminal();
  ::raise(number);
}

// A forked child that exits leaves its parent's terminal alone.
void restore_at_exit() {
  if (::getpid() == owner) detail::restore_terminal();
}

void watch_the_ways_out() {
  static bool const at_exit = std::atexit(restore_at_exit) == 0;
  static bool const at_quick_exit = std::at_quick_exit(restore_at_exit) == 0;
  (void)at_exit;
  (void)at_quick_exit;
  for (int const number : ending_signals) {
    struct sigaction now{};
    if (::sigaction(number, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) continue;
    struct sigaction action{};
    action.sa_handler = restore_and_end;
    action.sa_flags = SA_RESETHAND | SA_NODEFER | SA_ONSTACK;
    ::sigaction(number, &action, nullptr);
  }
}

void leave_the_ways_out() noexcept {
  for (int const number : ending_signals) {
    struct sigaction now{};
    if (::sigaction(number, nullptr, &now) == 0 && now.sa_handler == restore_and_end)
      ::signal(number, SIG_DFL);
  }
}

}  // namespace

// All signals are blocked, so none ends the process in the middle of this; a thread that does it at
// the same time does no harm. And a process in the background is stopped by SIGTTOU when it changes
// the terminal, unless it blocks the signal.
void detail::restore_terminal() noexcept {
  int const error = errno;
  signals_blocked const blocked;
  int const fd = raw_fd;
  if (fd < 0) return;
  ::tcsetattr(fd, TCSANOW, &before);
  raw_fd = -1;
  errno = error;
}

namespace terminal {

raw_mode::raw_mode(int fd) {
  if (exists.test_and_set()) throw std::logic_error("weft: a second raw_mode while one exists");
  termios raw{};
  if (::tcgetattr(fd, &raw) == 0) {
    before = raw;
    owner = ::getpid();
    raw_fd = fd;
    watch_the_ways_out();
    ::cfmakeraw(&raw);
    if (::tcsetattr(fd, TCSANOW, &raw) == 0) return;
  }
  int const error = errno;
  leave_the_ways_out();
  raw_fd = -1;
  exists.clear();
  weft::detail::throw_system_error(error, fmt::format("make fd {} a raw terminal", fd));
}

raw_mode::~raw_mode() {
  weft::detail::restore_terminal();
  leave_the_ways_out();
  exists.clear();
}

}  // namespace terminal
}  // namespace weft::inline v0
