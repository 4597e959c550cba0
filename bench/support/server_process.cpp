// See server_process.hpp.
#include "support/server_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <fmt/format.h>

namespace bench {

namespace {

using namespace std::chrono_literals;

// Generous: the program may run under Valgrind on a busy machine.
constexpr auto time_to_start = 60s;
constexpr auto time_to_end = 20s;

// Not by the C library's function: glibc 2.36 declares it without C linkage.
int open_process(pid_t pid) {
  return checked("pidfd_open", static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

[[noreturn]] void become(server_command const& command, std::optional<int> processor, pid_t parent,
                         int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it died before that call
  ::setpgid(0, 0);
  if (processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(*processor, &set);
    ::sched_setaffinity(0, sizeof set, &set);
  }
  ::dup2(output, STDOUT_FILENO);
  for (auto const& [key, value] : command.environment) ::setenv(key.c_str(), value.c_str(), 1);
  std::vector<char*> arguments;
  for (std::string const& argument : command.arguments)
    arguments.push_back(const_cast<char*>(argument.c_str()));  // NOLINT: execvp's type is C's
  arguments.push_back(nullptr);
  ::execvp(arguments.front(), arguments.data());
  ::_exit(127);
}

}  // namespace

server_process::server_process(server_command const& command, std::optional<int> processor)
    : program_(command.arguments.front()) {
  int ends[2] = {};
  checked("pipe2", ::pipe2(ends, O_CLOEXEC));
  output_ = file_descriptor(ends[0]);
  file_descriptor input(ends[1]);
  pid_t const parent = ::getpid();
  pid_ = checked("fork", ::fork());
  if (pid_ == 0) become(command, processor, parent, input.get());
  ::setpgid(pid_, pid_);  // whichever of the two is first
  try {
    handle_ = file_descriptor(open_process(pid_));
    input.close();
    read_first_line();
  } catch (...) {
    ::kill(-pid_, SIGKILL);
    reap();
    throw;
  }
}

server_process::~server_process() {
  if (pid_ < 0) return;
  ::kill(-pid_, SIGKILL);
  reap();
}

void server_process::read_first_line() {
  std::string line;
  while (!line.ends_with('\n')) {
    pollfd waiting{.fd = output_.get(), .events = POLLIN, .revents = 0};
    int const ready =
        ::poll(&waiting, 1, static_cast<int>(std::chrono::milliseconds(time_to_start).count()));
    char next = 0;
    if (ready <= 0 || ::read(output_.get(), &next, 1) != 1)
      throw std::runtime_error(fmt::format("{} did not say where it listens", program_));
    line += next;
  }
  constexpr std::string_view start = "listening on 127.0.0.1:";
  std::size_t const open = line.find(" (");
  std::size_t const close = line.rfind(')');
  char const* const digits = line.data() + start.size();
  if (!line.starts_with(start) || open == std::string::npos || close == std::string::npos ||
      std::from_chars(digits, line.data() + open, port_).ec != std::errc())
    throw std::runtime_error(fmt::format("{} said: {}", program_, line));
  name_ = line.substr(open + 2, close - open - 2);
}

std::chrono::nanoseconds server_process::processor_time() const {
  std::int64_t sum = 0;
  for (auto const& thread :
       std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid_))) {
    std::int64_t used = 0;
    std::ifstream(thread.path() / "schedstat") >> used;
    sum += used;
  }
  return std::chrono::nanoseconds(sum);
}

void server_process::stop() {
  ::kill(-pid_, SIGTERM);
  if (!ends_within(time_to_end)) {
    ::kill(-pid_, SIGKILL);
    reap();
    throw std::runtime_error(fmt::format("{} did not end at SIGTERM", program_));
  }
  int const status = reap();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error(fmt::format("{} ended with wait status {:#x}", program_, status));
}

bool server_process::ends_within(std::chrono::milliseconds limit) const {
  pollfd waiting{.fd = handle_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&waiting, 1, static_cast<int>(limit.count())) == 1;
}

int server_process::reap() noexcept {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return status;
}

}  // namespace bench
