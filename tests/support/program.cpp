#include "support/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace support {

namespace {

constexpr int patience_milliseconds = 60'000;

void require(bool holds, char const* what, int error) {
  if (!holds) throw std::system_error(error, std::generic_category(), what);
}

std::array<int, 2> open_pipe() {
  std::array<int, 2> ends{};
  require(::pipe2(ends.data(), O_CLOEXEC) == 0, "pipe2", errno);
  return ends;
}

}  // namespace

std::string example(std::string const& name) { return WEFT_EXAMPLES_DIR "/" + name; }

void raise_file_limit() {
  rlimit files{};
  require(::getrlimit(RLIMIT_NOFILE, &files) == 0, "getrlimit", errno);
  files.rlim_cur = files.rlim_max;
  require(::setrlimit(RLIMIT_NOFILE, &files) == 0, "setrlimit", errno);
}

program::program(std::string const& path, std::vector<std::string> arguments,
                 std::optional<std::string_view> input) {
  arguments.insert(arguments.begin(), path);
  std::vector<char*> values;
  for (auto& argument : arguments) values.push_back(argument.data());
  values.push_back(nullptr);

  auto const in = open_pipe();
  auto const out = open_pipe();
  auto const err = open_pipe();
  if (input) {
    ssize_t const written = ::write(in[1], input->data(), input->size());
    require(written == static_cast<ssize_t>(input->size()), "write", EMSGSIZE);
  }
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  if (input) ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t signals;
  ::sigemptyset(&signals);
  ::posix_spawnattr_setsigmask(&attributes, &signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGQUIT);
  ::posix_spawnattr_setsigdefault(&attributes, &signals);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  int const error =
      ::posix_spawn(&process_, path.c_str(), &actions, &attributes, values.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  for (int const fd : {in[0], in[1], out[1], err[1]}) ::close(fd);
  out_.fd = out[0];
  err_.fd = err[0];
  if (error != 0) process_ = -1;
  require(error == 0, path.c_str(), error);
}

program::~program() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  for (int const fd : {out_.fd, err_.fd})
    if (fd >= 0) ::close(fd);
}

void program::pipe_end::read() {
  std::array<char, 4096> buffer{};
  ssize_t const count = ::read(fd, buffer.data(), buffer.size());
  require(count >= 0, "read", errno);
  text.append(buffer.data(), static_cast<std::size_t>(count));
  if (count == 0) ::close(std::exchange(fd, -1));
}

void program::read_some() {
  std::array<pollfd, 2> waiting{pollfd{out_.fd, POLLIN, 0}, pollfd{err_.fd, POLLIN, 0}};
  int const ready = ::poll(waiting.data(), waiting.size(), patience_milliseconds);
  require(ready >= 0, "poll", errno);
  if (ready == 0) throw std::runtime_error("the program neither writes nor ends");
  if (waiting[0].revents != 0) out_.read();
  if (waiting[1].revents != 0) err_.read();
}

std::string program::first_line() {
  while (out_.fd >= 0 && out_.text.find('\n') == std::string::npos) read_some();
  return out_.text.substr(0, out_.text.find('\n'));
}

void program::wait_for(std::string_view text) {
  while (out_.text.find(text) == std::string::npos) {
    if (out_.fd < 0)
      throw std::runtime_error("the program ended without saying: " + std::string(text));
    read_some();
  }
}

void program::signal(int number) const { require(::kill(process_, number) == 0, "kill", errno); }

program::ended program::wait() {
  while (out_.fd >= 0 || err_.fd >= 0) read_some();
  int status = 0;
  require(::waitpid(std::exchange(process_, -1), &status, 0) > 0, "waitpid", errno);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), out_.text, err_.text};
}

}  // namespace support
