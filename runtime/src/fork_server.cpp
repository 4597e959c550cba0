// See fork_server.hpp.
#include "fork_server.hpp"

#include <dlfcn.h>
#include <link.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "fork_messages.hpp"
#include "fork_server_process.hpp"
#include "memory_file.hpp"
#include "pidfd.hpp"
#include "signals_blocked.hpp"
#include "socket_message.hpp"
#include "thread_sanitizer.hpp"
#include "warn.hpp"
#include "weft/descriptor.hpp"
#include "weft/error.hpp"
#include "weft/fork_server.hpp"

namespace weft::inline v0 {

namespace detail {

namespace {

bool is_wanted = false;

// ThreadSanitizer has a thread of its own, which takes no locks of the program's.
constexpr std::ptrdiff_t threads_allowed = WEFT_THREAD_SANITIZER ? 2 : 1;

std::ptrdiff_t count_threads() {
  std::error_code unreadable;
  std::filesystem::directory_iterator const tasks("/proc/self/task", unreadable);
  return unreadable ? 1 : std::distance(begin(tasks), end(tasks));
}

// The server there is. It stays for as long as anybody holds it, and until the end of the program.
struct known_server {
  std::mutex mutex;
  std::shared_ptr<fork_server> server;
  pid_t owner = 0;
};

known_server& known() {
  static known_server only;
  return only;
}

// As fork(2), but its end sends no SIGCHLD and only __WALL makes wait(2) see it: a program that
// waits for all its children must not wait for this one. What fork(3) does besides is for programs
// with threads. ThreadSanitizer must know of a fork.
pid_t fork_unseen() noexcept {
#if WEFT_THREAD_SANITIZER
  return ::fork();
#else
  return static_cast<pid_t>(::syscall(SYS_clone, 0, nullptr, nullptr, nullptr, 0UL));
#endif
}

// The child does not hold the lock, since it has a server of its own some day.
std::shared_ptr<fork_server> start_server(std::unique_lock<std::mutex>& lock) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw_system_error(errno, "socketpair for the fork server");
  pid_t const owner = ::getpid();
  int const owner_pidfd = open_pidfd(owner);
  if (owner_pidfd < 0) {
    int const error = errno;
    ::close(ends[0]);
    ::close(ends[1]);
    throw_system_error(error, "pidfd_open for the fork server");
  }
  // Or what is not written yet would be written by every child too.
  std::cout.flush();
  std::fflush(nullptr);
  pid_t const pid = fork_unseen();
  int const error = errno;
  if (pid == 0) {
    lock.unlock();
    serve_forks(ends[1], owner_pidfd, owner);
  }
  ::close(ends[1]);
  ::close(owner_pidfd);
  if (pid < 0) {
    ::close(ends[0]);
    throw_system_error(error, "fork of the fork server");
  }
  return std::make_shared<fork_server>(ends[0], pid);
}

std::string name_of(void (*function)()) {
  Dl_info about{};
  if (::dladdr(reinterpret_cast<void*>(function), &about) != 0 && about.dli_fname != nullptr)
    return about.dli_fname;
  return "no library that is loaded";
}

}  // namespace

bool want_fork_server() noexcept { return is_wanted = true; }

// ---- What is known of a child.

remote_child::~remote_child() {
  if (pidfd_ >= 0) ::close(pidfd_);
}

pid_t remote_child::pid() const {
  std::lock_guard const lock(mutex_);
  return pid_;
}

std::optional<exit_status> remote_child::status() const {
  std::lock_guard const lock(mutex_);
  return status_;
}

int remote_child::error() const {
  std::lock_guard const lock(mutex_);
  return error_;
}

int remote_child::signal(int number) {
  std::lock_guard const lock(mutex_);
  if (pidfd_ >= 0) return send_signal(pidfd_, number) == 0 ? 0 : errno;
  to_be_killed_ = to_be_killed_ || number == SIGKILL;
  return 0;
}

void remote_child::start(pid_t pid, int pidfd) {
  {
    std::lock_guard const lock(mutex_);
    pid_ = pid;
    pidfd_ = pidfd;
    if (to_be_killed_) send_signal(pidfd_, SIGKILL);
  }
  has_started.reach();
}

void remote_child::end(std::optional<exit_status> how, int error) {
  {
    std::lock_guard const lock(mutex_);
    status_ = how;
    error_ = error;
    if (int const pidfd = std::exchange(pidfd_, -1); pidfd >= 0) ::close(pidfd);
  }
  has_started.reach();
  has_ended.reach();
}

// ---- The server.

std::shared_ptr<fork_server> fork_server::get(std::string const& wanted_by) {
  auto& there = known();
  std::unique_lock lock(there.mutex);
  if (there.server && there.owner == ::getpid()) return there.server;
  if (count_threads() > threads_allowed)
    throw std::logic_error(
        wanted_by +
        ": the fork server must start before the program has other threads; call "
        "weft::start_fork_server() first, at the top of main");
  if (there.server)
    new std::shared_ptr(std::move(there.server));  // a fork: the other's, kept as is
  there.server = start_server(lock);
  there.owner = ::getpid();
  return there.server;
}

void fork_server::start_if_wanted(bool in_children) noexcept {
  if (!is_wanted || (owner_of_children() != 0 && !in_children)) return;
  if (count_threads() > threads_allowed) return;
  try {
    static_cast<void>(get("weft"));
  } catch (std::exception const&) {  // who needs it is told
  }
}

fork_server::fork_server(int socket, pid_t server)
    : socket_(socket), server_(server), owner_(::getpid()) {
  ::dl_iterate_phdr(
      [](dl_phdr_info* image, std::size_t, void* to) {
        for (int i = 0; i < image->dlpi_phnum; ++i) {
          auto const& header = image->dlpi_phdr[i];
          if (header.p_type != PT_LOAD || (header.p_flags & PF_X) == 0) continue;
          auto const begin = image->dlpi_addr + header.p_vaddr;
          static_cast<std::vector<segment>*>(to)->push_back({begin, begin + header.p_memsz});
        }
        return 0;
      },
      &executable_);
}

// The server ends when its socket is closed.
fork_server::~fork_server() {
  if (owner_ != ::getpid()) {  // in a fork of the program
    if (reader_.joinable()) reader_.detach();
    return;
  }
  ::shutdown(socket_, SHUT_RDWR);
  if (reader_.joinable()) reader_.join();
  ::close(socket_);
  while (::waitpid(server_, nullptr, __WALL) < 0 && errno == EINTR) {}
}

void fork_server::require_known(void (*function)()) const {
  auto const address = reinterpret_cast<std::uintptr_t>(function);
  bool const is_known = std::ranges::any_of(executable_, [address](segment const& one) {
    return one.begin <= address && address < one.end;
  });
  if (!is_known)
    throw std::logic_error(fmt::format(
        "weft: a child process cannot call a function of {}, which was loaded after the fork "
        "server had started; load it before weft::start_fork_server()",
        name_of(function)));
}

std::shared_ptr<remote_child> fork_server::start(child_start const& wanted) {
  fork_request request{.id = 0,
                       .entry = wanted.entry,
                       .function = wanted.function,
                       .argument_bytes = wanted.arguments.size(),
                       .arguments_in_file = wanted.arguments.size() > argument_bytes_max};
  require_known(reinterpret_cast<void (*)()>(wanted.entry));
  if (wanted.function != nullptr) require_known(wanted.function);

  std::vector<int> descriptors(wanted.descriptors.begin(), wanted.descriptors.end());
  auto arguments = wanted.arguments;
  descriptor file;
  if (request.arguments_in_file) {
    file = descriptor::adopt(make_memory_file("weft-arguments", arguments));
    descriptors.insert(descriptors.begin(), file.get());
    arguments = {};
  }

  auto child = std::make_shared<remote_child>();
  std::lock_guard const lock(mutex_);
  if (!reader_.joinable()) {
    signals_blocked const blocked;
    reader_ = std::thread([this] { read_reports(); });
    ::pthread_setname_np(reader_.native_handle(), "weft-children");
  }
  request.id = ++last_id_;
  children_.emplace(request.id, child);
  int const error =
      lost_ ? EPIPE
            : send_message(socket_, std::as_bytes(std::span(&request, 1)), arguments, descriptors);
  if (error != 0) {
    children_.erase(request.id);
    throw_system_error(error, error == EPIPE ? "the fork server has died" : "ask the fork server");
  }
  return child;
}

void fork_server::read_reports() noexcept {
  std::vector<int> descriptors;
  for (;;) {
    fork_report report{};
    auto const received =
        receive_message(socket_, std::as_writable_bytes(std::span(&report, 1)), descriptors);
    if (received.size <= 0) return lose_all();
    std::shared_ptr<remote_child> child;
    {
      std::lock_guard const lock(mutex_);
      auto const found = children_.find(report.id);
      if (found == children_.end()) continue;
      child = found->second;
      if (report.what != fork_report::kind::started) children_.erase(found);
    }
    switch (report.what) {
      case fork_report::kind::started:
        child->start(report.value, descriptors.empty() ? -1 : descriptors.front());
        break;
      case fork_report::kind::failed: child->end(std::nullopt, report.value); break;
      case fork_report::kind::exited: child->end(exit_status::exited(report.value), 0); break;
      case fork_report::kind::killed:
        child->end(exit_status::killed(report.value, report.dumped_core), 0);
        break;
    }
  }
}

// The server is gone, and the kernel has killed its children.
void fork_server::lose_all() noexcept {
  std::map<std::uint64_t, std::shared_ptr<remote_child>> lost;
  {
    std::lock_guard const lock(mutex_);
    lost_ = true;
    lost.swap(children_);
  }
  for (auto const& [id, child] : lost) child->end(std::nullopt, 0);
}

}  // namespace detail

void start_fork_server() { static_cast<void>(detail::fork_server::get("weft::start_fork_server")); }

pid_t owner_pid() noexcept {
  pid_t const owner = detail::owner_of_children();
  return owner != 0 ? owner : ::getpid();
}

}  // namespace weft::inline v0
