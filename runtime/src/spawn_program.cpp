// start_program under ThreadSanitizer, by means of posix_spawn, which it survives. The death of the
// parent is no signal to the child here: posix_spawn has no word for it.
#include "thread_sanitizer.hpp"

#if WEFT_THREAD_SANITIZER

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <filesystem>

#include "pidfd.hpp"
#include "start_program.hpp"

namespace weft::inline v0::detail {

namespace {

class file_actions {
 public:
  file_actions() { ::posix_spawn_file_actions_init(&actions_); }
  file_actions(file_actions const&) = delete;
  file_actions& operator=(file_actions const&) = delete;
  ~file_actions() { ::posix_spawn_file_actions_destroy(&actions_); }

  // One that is no directory says so here, since posix_spawn would not tell what has failed.
  int enter(char const* directory) {
    int const fd = ::open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno;
    ::close(fd);
    ::posix_spawn_file_actions_addchdir_np(&actions_, directory);
    return 0;
  }

  // A descriptor that is put where it is already loses its close-on-exec flag.
  int place(program_start const& start) {
    for (std::size_t i = 0; i < start.streams.size(); ++i)
      if (start.streams[i] >= 0)
        ::posix_spawn_file_actions_adddup2(&actions_, start.streams[i], static_cast<int>(i));
    for (int const passed : start.passed) {
      if (::fcntl(passed, F_GETFD) < 0) return errno;
      ::posix_spawn_file_actions_adddup2(&actions_, passed, passed);
    }
    for (auto const& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      auto const name = entry.path().filename().string();
      int fd = 0;
      std::from_chars(name.data(), name.data() + name.size(), fd);
      if (fd > STDERR_FILENO && std::ranges::find(start.passed, fd) == start.passed.end())
        ::posix_spawn_file_actions_addclose(&actions_, fd);
    }
    return 0;
  }

  [[nodiscard]] posix_spawn_file_actions_t const* get() const noexcept { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

class attributes {
 public:
  explicit attributes(bool own_group) {
    ::posix_spawnattr_init(&attributes_);
    sigset_t signals;
    ::sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes_, &signals);
    ::sigaddset(&signals, SIGPIPE);
    ::posix_spawnattr_setsigdefault(&attributes_, &signals);
    int const group = own_group ? POSIX_SPAWN_SETPGROUP : 0;
    ::posix_spawnattr_setflags(
        &attributes_, static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group));
  }
  attributes(attributes const&) = delete;
  attributes& operator=(attributes const&) = delete;
  ~attributes() { ::posix_spawnattr_destroy(&attributes_); }

  [[nodiscard]] posix_spawnattr_t const* get() const noexcept { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

}  // namespace

started_program start_program(program_start const& start) {
  file_actions actions;
  if (int const error = actions.place(start); error != 0)
    throw_not_started(start, start_step::descriptors, error);
  if (start.directory != nullptr)
    if (int const error = actions.enter(start.directory); error != 0)
      throw_not_started(start, start_step::directory, error);
  attributes const with(start.own_group);
  bool refused = false;
  int error = ENOENT;
  for (char const* const* candidate = start.candidates; *candidate != nullptr; ++candidate) {
    pid_t pid = -1;
    error = ::posix_spawn(&pid, *candidate, actions.get(), with.get(), start.arguments,
                          start.environment);
    if (error == 0) return {.pid = pid, .pidfd = open_pidfd(pid)};
    refused = refused || error == EACCES;
    if (!goes_on_after(error)) throw_not_started(start, start_step::exec, error);
  }
  throw_not_started(start, start_step::exec, refused ? EACCES : error);
}

}  // namespace weft::inline v0::detail

#endif
