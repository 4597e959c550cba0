// See child_process.hpp.
#include "support/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <fmt/format.h>

namespace bench {

namespace {

using namespace std::chrono_literals;

// Generous: the program may run under Valgrind on a busy machine.
constexpr auto time_for_a_line = 60s;
constexpr auto time_to_end = 20s;

// Not by the C library's function: glibc 2.36 declares it without C linkage.
int open_process(pid_t pid) {
  return checked("pidfd_open", static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

[[noreturn]] void become(child_command const& command, std::optional<int> processor, pid_t parent,
                         int input, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it died before that call
  ::setpgid(0, 0);
  std::signal(SIGPIPE, SIG_DFL);  // a bench may ignore it, and that would be inherited
  if (processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(*processor, &set);
    ::sched_setaffinity(0, sizeof set, &set);
  }
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  for (auto const& [key, value] : command.environment) ::setenv(key.c_str(), value.c_str(), 1);
  std::vector<char*> arguments;
  for (std::string const& argument : command.arguments)
    arguments.push_back(const_cast<char*>(argument.c_str()));  // NOLINT: execvp's type is C's
  arguments.push_back(nullptr);
  ::execvp(arguments.front(), arguments.data());
  ::_exit(127);
}

struct pipe_ends {
  file_descriptor read;
  file_descriptor write;
};

pipe_ends make_pipe() {
  int ends[2] = {};
  checked("pipe2", ::pipe2(ends, O_CLOEXEC));
  return {.read = file_descriptor(ends[0]), .write = file_descriptor(ends[1])};
}

}  // namespace

std::chrono::nanoseconds processor_time(pid_t process) {
  std::int64_t sum = 0;
  for (auto const& thread :
       std::filesystem::directory_iterator(fmt::format("/proc/{}/task", process))) {
    std::int64_t used = 0;
    std::ifstream(thread.path() / "schedstat") >> used;
    sum += used;
  }
  return std::chrono::nanoseconds(sum);
}

child_process::child_process(child_command const& command, std::optional<int> processor)
    : program_(command.arguments.front()) {
  auto input = make_pipe();
  auto output = make_pipe();
  pid_t const parent = ::getpid();
  pid_ = checked("fork", ::fork());
  if (pid_ == 0) become(command, processor, parent, input.read.get(), output.write.get());
  ::setpgid(pid_, pid_);  // whichever of the two is first
  input_ = std::move(input.write);
  output_ = std::move(output.read);
  try {
    handle_ = file_descriptor(open_process(pid_));
  } catch (...) {
    ::kill(-pid_, SIGKILL);
    reap();
    throw;
  }
}

child_process::~child_process() {
  if (pid_ < 0) return;
  ::kill(-pid_, SIGKILL);
  reap();
}

void child_process::write_line(std::string_view line) {
  auto const text = fmt::format("{}\n", line);
  if (::write(input_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error(fmt::format("{} reads nothing any more", program_));
}

std::string child_process::read_line() {
  auto end = unread_.find('\n');
  while (end == std::string::npos) {
    pollfd waiting{.fd = output_.get(), .events = POLLIN, .revents = 0};
    int const ready =
        ::poll(&waiting, 1, static_cast<int>(std::chrono::milliseconds(time_for_a_line).count()));
    char more[4'096];
    auto const count = ready > 0 ? ::read(output_.get(), more, sizeof more) : 0;
    if (count <= 0)
      throw std::runtime_error(fmt::format("{} did not say what it should", program_));
    unread_.append(more, static_cast<std::size_t>(count));
    end = unread_.find('\n');
  }
  auto line = unread_.substr(0, end);
  unread_.erase(0, end + 1);
  return line;
}

void child_process::finish() {
  input_.close();
  expect_end("the end of its input");
}

void child_process::stop() {
  ::kill(-pid_, SIGTERM);
  expect_end("SIGTERM");
}

void child_process::expect_end(std::string_view at) {
  if (!ends_within(time_to_end)) {
    ::kill(-pid_, SIGKILL);
    reap();
    throw std::runtime_error(fmt::format("{} did not end at {}", program_, at));
  }
  int const status = reap();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error(fmt::format("{} ended with wait status {:#x}", program_, status));
}

bool child_process::ends_within(std::chrono::milliseconds limit) const {
  pollfd waiting{.fd = handle_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&waiting, 1, static_cast<int>(limit.count())) == 1;
}

int child_process::reap() noexcept {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return status;
}

}  // namespace bench
