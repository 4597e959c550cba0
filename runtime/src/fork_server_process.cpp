// The fork server: receives requests, forks, watches its children, reports how they end, and ends
// with its program; then the kernel kills what children are left.
#include "fork_server_process.hpp"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>
#include <map>
#include <span>
#include <vector>

#include "fork_messages.hpp"
#include "memory_file.hpp"
#include "pidfd.hpp"
#include "socket_message.hpp"
#include "weft/detail/child_entry.hpp"

namespace weft::inline v0::detail {

namespace {

pid_t program = 0;

[[noreturn]] void give_up(char const* what) noexcept {
  std::fprintf(stderr, "weft: the fork server ends: %s: %s\n", what, std::strerror(errno));
  ::_exit(1);
}

// Closes all that is not in the list, which is sorted and begins with 0, 1 and 2.
void close_all_but(std::span<int const> kept) noexcept {
  unsigned from = 0;
  auto const close_until = [&from](unsigned end) {
    if (from < end && ::close_range(from, end - 1, 0) != 0) {
      // Some sandboxes know no close_range; there each number may be one that is open.
      rlimit files{};
      ::getrlimit(RLIMIT_NOFILE, &files);
      for (unsigned fd = from; fd < std::min<rlim_t>(end, files.rlim_cur); ++fd)
        ::close(static_cast<int>(fd));
    }
  };
  for (int const fd : kept) {
    close_until(static_cast<unsigned>(fd));
    from = static_cast<unsigned>(fd) + 1;
  }
  close_until(~0U);
}

// The signals of children are as in a new program, but that those which the program ignored when
// the server started are ignored.
class child_signals {
 public:
  // In the server all are blocked: Ctrl-C must not end it before its program, and what is sent to a
  // child that has just been forked must wait until the child is ready for it.
  child_signals() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    for (int number = 1; number < NSIG; ++number) {
      struct sigaction before{};
      if (::sigaction(number, nullptr, &before) != 0) continue;
      ignored_[static_cast<std::size_t>(number)] = before.sa_handler == SIG_IGN;
      ::signal(number, SIG_DFL);
    }
  }
  void apply() const noexcept {
    for (int number = 1; number < NSIG; ++number)
      if (ignored_[static_cast<std::size_t>(number)]) ::signal(number, SIG_IGN);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
  }

 private:
  std::array<bool, NSIG> ignored_{};
};

class server {
 public:
  server(int socket, int owner) noexcept : socket_(socket), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) give_up("epoll_create1");
    watch(socket, 0);
    watch(owner, owner_gone);
  }

  [[noreturn]] void run() {
    for (;;) {
      std::array<epoll_event, 64> events{};
      int const count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      if (count < 0 && errno != EINTR) give_up("epoll_wait");
      for (int i = 0; i < count; ++i) {
        auto const& event = events[static_cast<std::size_t>(i)];
        if (event.data.u64 == owner_gone) ::_exit(0);
        if (event.data.u64 == 0)
          serve_one();
        else
          reap(event.data.u64);
      }
    }
  }

 private:
  static constexpr std::uint64_t owner_gone = ~std::uint64_t{0};

  void watch(int fd, std::uint64_t id) noexcept {
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.u64 = id;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &wanted) != 0) give_up("epoll_ctl");
  }

  void report(fork_report const& what, std::span<int const> descriptors = {}) noexcept {
    if (send_message(socket_, std::as_bytes(std::span(&what, 1)), {}, descriptors) != 0)
      ::_exit(0);  // nobody is there to read it
  }

  void serve_one() {
    auto const received = receive_message(socket_, message_, descriptors_);
    if (received.size <= 0) ::_exit(0);  // the program has closed its end, or has died
    fork_request request{};
    std::memcpy(&request, message_.data(), sizeof request);
    int const error = received.descriptors_lost ? EMFILE : start(request);
    if (error != 0)
      report({.id = request.id,
              .what = fork_report::kind::failed,
              .dumped_core = false,
              .value = error});
    for (int const fd : descriptors_) ::close(fd);
  }

  int start(fork_request const& request) {
    pid_t const self = ::getpid();
    pid_t const pid = ::fork();
    if (pid < 0) return errno;
    if (pid == 0) become_child(request, self);
    int const pidfd = open_pidfd(pid);
    if (pidfd < 0) {
      int const error = errno;
      ::kill(pid, SIGKILL);
      while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {}
      return error;
    }
    children_.emplace(request.id, pidfd);
    watch(pidfd, request.id);
    report(
        {.id = request.id, .what = fork_report::kind::started, .dumped_core = false, .value = pid},
        std::span(&pidfd, 1));
    return 0;
  }

  void reap(std::uint64_t id) noexcept {
    auto const found = children_.find(id);
    if (found == children_.end()) return;
    siginfo_t info{};
    while (::waitid(P_PIDFD, static_cast<id_t>(found->second), &info, WEXITED) != 0)
      if (errno != EINTR) give_up("waitid");
    ::close(found->second);  // which takes it out of the epoll set
    children_.erase(found);
    auto const what =
        info.si_code == CLD_EXITED ? fork_report::kind::exited : fork_report::kind::killed;
    report({.id = id,
            .what = what,
            .dumped_core = info.si_code == CLD_DUMPED,
            .value = info.si_status});
  }

  [[noreturn]] void become_child(fork_request const& request, pid_t parent) noexcept {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(0);  // the server died before that call
    std::vector<int> kept{STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
    kept.insert(kept.end(), descriptors_.begin(), descriptors_.end());
    std::ranges::sort(kept);
    close_all_but(kept);
    signals_.apply();

    std::span<std::byte const> arguments(message_.data() + sizeof request, request.argument_bytes);
    if (request.arguments_in_file) {
      int const file = descriptors_.front();
      descriptors_.erase(descriptors_.begin());
      auto const mapped = map_memory_file(file);
      ::close(file);
      arguments = {static_cast<std::byte const*>(mapped.at), mapped.size};
    }
    int const code = request.entry(request.function, arguments, descriptors_);
    // As a program's end, but that what the program registered for its own does not run here.
    std::cout.flush();
    std::fflush(nullptr);
    ::_exit(code);
  }

  int socket_;
  int epoll_;
  child_signals signals_;
  std::vector<std::byte> message_ =
      std::vector<std::byte>(sizeof(fork_request) + argument_bytes_max);
  std::vector<int> descriptors_;
  std::map<std::uint64_t, int> children_;  // their pidfds
};

}  // namespace

pid_t owner_of_children() noexcept { return program; }

void serve_forks(int socket, int owner_pidfd, pid_t owner) noexcept {
  program = owner;
  ::prctl(PR_SET_NAME, "weft-forks");
  std::vector<int> kept{STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, socket, owner_pidfd};
  std::ranges::sort(kept);
  close_all_but(kept);
  server(socket, owner_pidfd).run();
}

}  // namespace weft::inline v0::detail
