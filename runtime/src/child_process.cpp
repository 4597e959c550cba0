// Children: waiting for them, signalling them, and the end of one that nobody waited for.
#include "weft/child_process.hpp"

#include <poll.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include <fmt/format.h>

#include "child_access.hpp"
#include "fatal.hpp"
#include "pidfd.hpp"
#include "warn.hpp"
#include "weft/error.hpp"

namespace weft::inline v0 {

namespace {

constexpr int patience_milliseconds = 1000;

exit_status status_of(siginfo_t const& info) noexcept {
  if (info.si_code == CLD_EXITED) return exit_status::exited(info.si_status);
  return exit_status::killed(info.si_status, info.si_code == CLD_DUMPED);
}

}  // namespace

namespace detail {

child_process child_access::adopt(pid_t pid, int pidfd, bool has_group) noexcept {
  child_process adopted;
  adopted.pid_ = pid;
  adopted.pidfd_ = descriptor::adopt(pidfd);
  adopted.has_group_ = has_group;
  return adopted;
}

task<> child_access::kill_and_reap(child_process& child) {
  if (child.reaped_) co_return;
  child.send(SIGKILL);
  co_await child.wait();
}

}  // namespace detail

child_process::child_process(child_process&& other) noexcept { take(other); }

child_process& child_process::operator=(child_process&& other) noexcept {
  if (this != &other) {
    end_now();
    take(other);
  }
  return *this;
}

child_process::~child_process() { end_now(); }

void child_process::take(child_process& other) noexcept {
  if (other.awaited_ != 0)
    detail::fatal(
        fmt::format("weft: the child process {} was moved while a task waited for it", other.pid_));
  input = std::move(other.input);
  output = std::move(other.output);
  error_output = std::move(other.error_output);
  pidfd_ = std::move(other.pidfd_);
  pid_ = std::exchange(other.pid_, -1);
  has_group_ = other.has_group_;
  reaped_ = other.reaped_;
  status_ = other.status_;
}

void child_process::end_now() noexcept {
  if (awaited_ != 0)
    detail::fatal(
        fmt::format("weft: the child process {} was destroyed while a task waited for it", pid_));
  if (!pidfd_ || reaped_) return;
  send(SIGKILL);
  pollfd ended{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
  while (::poll(&ended, 1, patience_milliseconds) < 0 && errno == EINTR) {}
  try {
    if (reap(WNOHANG)) return;
    detail::warn("the child process {} does not end, and is left behind", pid_);
  } catch (std::exception const&) {  // somebody else has reaped it
  }
}

task<exit_status> child_process::wait() {
  if (!status_ && !reaped_) {
    struct counted {
      int& count;
      explicit counted(int& counter) noexcept : count(counter) { ++count; }
      ~counted() { --count; }
    } const here(awaited_);
    co_await readable(pidfd_.get());
  }
  if (!status_) reap(0);
  co_return *status_;
}

// Only ever of this one process: waiting for any child would take away the program's own.
bool child_process::reap(int options) {
  siginfo_t info{};
  int result = 0;
  do result = ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | options);
  while (result != 0 && errno == EINTR);
  if (result != 0) {
    int const error = errno;
    reaped_ = error == ECHILD;
    detail::throw_system_error(error, fmt::format("wait for the child process {}", pid_));
  }
  if (info.si_pid == 0) return false;
  reaped_ = true;
  status_ = status_of(info);
  return true;
}

void child_process::signal(int number) {
  if (reaped_) return;
  int const error = send(number);
  if (error != 0 && error != ESRCH)
    detail::throw_system_error(error,
                               fmt::format("send signal {} to the child process {}", number, pid_));
}

void child_process::terminate() { signal(SIGTERM); }

void child_process::kill() { signal(SIGKILL); }

// Until the child is reaped, nobody else gets its number, which is its group's too. Where SIGCHLD
// is ignored the kernel reaps it by itself, which the signal 0 finds out. A child that has moved to
// another group is reached by the second call.
int child_process::send(int number) noexcept {
  if (has_group_) {
    if (detail::send_signal(pidfd_.get(), 0) != 0) return errno;
    bool const sent = ::kill(-pid_, number) == 0;
    if (sent && number != SIGKILL) return 0;
  }
  return detail::send_signal(pidfd_.get(), number) == 0 ? 0 : errno;
}

int child_process::release() noexcept {
  if (awaited_ != 0)
    detail::fatal(
        fmt::format("weft: the child process {} was released while a task waited for it", pid_));
  return pidfd_.release();
}

}  // namespace weft::inline v0
