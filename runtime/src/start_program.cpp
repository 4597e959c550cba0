// The clone and the exec, after the model of glibc's posix_spawn
// (sysdeps/unix/sysv/linux/spawni.c), which does the same but for the pidfd, the death signal, and
// the descriptors that must not leak.
#include "start_program.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdint>

#include <fmt/format.h>

#include "signals_blocked.hpp"
#include "thread_sanitizer.hpp"
#include "weft/error.hpp"

namespace weft::inline v0::detail {

void throw_not_started(program_start const& start, start_step failed, int error) {
  char const* const program = start.arguments[0];
  if (failed == start_step::directory)
    throw_system_error(error, fmt::format("run {} in directory {}", program, start.directory));
  if (failed == start_step::descriptors)
    throw_system_error(error, fmt::format("run {} with its descriptors", program));
  throw_system_error(error, fmt::format("run {}", program));
}

#if !WEFT_THREAD_SANITIZER

// The child runs on the parent's memory but on a stack of its own, of which the instrumentation
// knows nothing.
#define WEFT_IN_THE_CHILD __attribute__((no_sanitize("address", "undefined")))

namespace {

constexpr std::size_t stack_bytes = 65'536;
constexpr int exec_failed = 127;  // what the shell says; nobody sees it

// The child's stack, with a page below it that nobody may touch.
class child_stack {
 public:
  child_stack()
      : guard_bytes_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))),
        memory_(::mmap(nullptr, guard_bytes_ + stack_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0)) {
    if (memory_ == MAP_FAILED) throw_system_error(errno, "mmap of a stack");
    ::mprotect(memory_, guard_bytes_, PROT_NONE);
  }
  child_stack(child_stack const&) = delete;
  child_stack& operator=(child_stack const&) = delete;
  ~child_stack() { ::munmap(memory_, guard_bytes_ + stack_bytes); }

  [[nodiscard]] void* top() const noexcept {
    return static_cast<std::byte*>(memory_) + guard_bytes_ + stack_bytes;
  }

 private:
  std::size_t guard_bytes_;
  void* memory_;
};

// No handler of the parent's may run in the child, and nobody may cancel the thread while the child
// makes calls on its behalf.
class undisturbed {
 public:
  undisturbed() noexcept { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state_); }
  undisturbed(undisturbed const&) = delete;
  undisturbed& operator=(undisturbed const&) = delete;
  ~undisturbed() { ::pthread_setcancelstate(cancel_state_, nullptr); }

 private:
  signals_blocked signals_;
  int cancel_state_ = 0;
};

// What parent and child have in common while the parent waits.
struct shared_state {
  program_start const& start;
  pid_t parent;
  start_step failed = start_step::none;
  int error = 0;
};

[[noreturn]] WEFT_IN_THE_CHILD void give_up(shared_state& shared, start_step failed) noexcept {
  shared.error = errno;
  shared.failed = failed;
  ::_exit(exec_failed);
}

// What the parent ignores stays ignored (nohup), but SIGPIPE: programs that ignore that on our
// account would write into closed pipes for ever.
WEFT_IN_THE_CHILD void reset_signals() noexcept {
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action;  // NOLINT(cppcoreguidelines-pro-type-member-init): the call fills it
    if (::sigaction(number, nullptr, &action) != 0) continue;
    bool const stays = action.sa_handler == SIG_IGN && number != SIGPIPE;
    if (stays || action.sa_handler == SIG_DFL) continue;
    action.sa_handler = SIG_DFL;
    action.sa_flags = 0;
    ::sigaction(number, &action, nullptr);
  }
}

// Some sandboxes know no close_range; there each number may be one that is open.
WEFT_IN_THE_CHILD void close_others_at_exec() noexcept {
  unsigned const first = STDERR_FILENO + 1;
  if (::close_range(first, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  for (rlim_t fd = first; fd < files.rlim_cur; ++fd)
    ::fcntl(static_cast<int>(fd), F_SETFD, FD_CLOEXEC);
}

// The child keeps 0, 1, 2 and what is passed. The sources are above 2, so no dup2 destroys another
// one's source.
WEFT_IN_THE_CHILD bool place_descriptors(program_start const& start) noexcept {
  close_others_at_exec();
  for (std::size_t i = 0; i < start.streams.size(); ++i) {
    int const source = start.streams[i];  // NOLINT: at() would call the library
    if (source >= 0 && ::dup2(source, static_cast<int>(i)) < 0) return false;
  }
  int const* const passed = start.passed.data();
  for (std::size_t i = 0; i < start.passed.size(); ++i)
    if (::fcntl(passed[i], F_SETFD, 0) != 0) return false;
  return true;
}

WEFT_IN_THE_CHILD void exec_first(program_start const& start) noexcept {
  bool refused = false;
  for (char const* const* candidate = start.candidates; *candidate != nullptr; ++candidate) {
    ::execve(*candidate, start.arguments, start.environment);
    refused = refused || errno == EACCES;
    if (!goes_on_after(errno)) return;
  }
  if (refused) errno = EACCES;
}

// The mask is emptied last: until then no signal may reach a handler of the parent's.
WEFT_IN_THE_CHILD int run_in_the_child(void* argument) noexcept {
  auto& shared = *static_cast<shared_state*>(argument);
  program_start const& start = shared.start;
  if (!start.outlives_parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != shared.parent) ::_exit(exec_failed);  // it has died before that call
  }
  if (start.own_group) ::setpgid(0, 0);
  if (!place_descriptors(start)) give_up(shared, start_step::descriptors);
  if (start.directory != nullptr && ::chdir(start.directory) != 0)
    give_up(shared, start_step::directory);
  reset_signals();
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  exec_first(start);
  give_up(shared, start_step::exec);
}

}  // namespace

started_program start_program(program_start const& start) {
  child_stack const stack;
  shared_state shared{.start = start, .parent = ::getpid()};
  pid_t pid = -1;
  int pidfd = -1;
  int clone_error = 0;
  {
    undisturbed const meanwhile;
    pid = ::clone(run_in_the_child, stack.top(), CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD,
                  &shared, &pidfd);
    clone_error = errno;
  }
  if (pid < 0) throw_not_started(start, start_step::exec, clone_error);
  if (shared.failed == start_step::none) return {.pid = pid, .pidfd = pidfd};
  siginfo_t ignored{};
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &ignored, WEXITED) != 0 && errno == EINTR) {}
  ::close(pidfd);
  throw_not_started(start, shared.failed, shared.error);
}

#endif

}  // namespace weft::inline v0::detail
