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

#include "weft/error.hpp"
#include "weft/terminal.hpp"

namespace weft::inline v0 {

namespace {

// Those that end a process which does not handle them, but for SIGKILL and SIGPIPE.
constexpr std::array ending_signals = {SIGHUP,  SIGINT,  SIGQUIT,   SIGILL,  SIGTRAP, SIGABRT,
                                       SIGBUS,  SIGFPE,  SIGUSR1,   SIGSEGV, SIGUSR2, SIGALRM,
                                       SIGTERM, SIGXCPU, SIGVTALRM, SIGPROF, SIGXFSZ, SIGSYS};

// `raw_fd` is set once `before` is whole, and is taken by the one who restores.
termios before;
std::atomic<int> raw_fd{-1};
std::atomic_flag exists;

// The handler is gone when it is called (SA_RESETHAND), so the signal then does what it always did.
extern "C" void restore_and_end(int number) {
  detail::restore_terminal();
  ::raise(number);
}

void restore_at_exit() { detail::restore_terminal(); }

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

// A process in the background is stopped by SIGTTOU when it changes the terminal, unless it blocks
// the signal.
void detail::restore_terminal() noexcept {
  int const fd = raw_fd.exchange(-1);
  if (fd < 0) return;
  int const error = errno;
  sigset_t blocked;
  sigset_t mask;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTTOU);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &mask);
  ::tcsetattr(fd, TCSANOW, &before);
  ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  errno = error;
}

namespace terminal {

raw_mode::raw_mode(int fd) {
  if (exists.test_and_set()) throw std::logic_error("weft: a second raw_mode while one exists");
  termios raw{};
  if (::tcgetattr(fd, &raw) == 0) {
    before = raw;
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
