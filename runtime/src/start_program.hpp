// Starting a program: everything is prepared as plain arrays in the parent, because between the
// clone and the exec the child shares the parent's memory and may do no more than make system
// calls.
#pragma once

#include <array>
#include <cerrno>
#include <span>

#include <sys/types.h>

namespace weft::inline v0::detail {

struct program_start {
  // Null-terminated arrays. The first of the candidates that can be executed is.
  char const* const* candidates;
  char* const* arguments;
  char* const* environment;
  char const* directory;  // to enter first; null for none

  // What becomes the child's 0, 1 and 2, numbers above 2; or -1 to leave it what it has there.
  std::array<int, 3> streams;
  std::span<int const> passed;  // these keep their numbers, which are above 2

  bool own_group;
  bool outlives_parent;
};

struct started_program {
  pid_t pid;
  int pidfd;
};

// Starts it; the thread waits until the exec has happened, a fraction of a millisecond. Throws
// std::system_error, which names the program, and the directory if that could not be entered.
started_program start_program(program_start const& start);

// What failed in the child.
enum class start_step : unsigned char { none, descriptors, directory, exec };

[[noreturn]] void throw_not_started(program_start const& start, start_step failed, int error);

// Whether the program may be in one of the directories that follow in PATH. As execvp(3) has it: a
// file that may not be executed is passed over, and remembered.
constexpr bool goes_on_after(int error) noexcept {
  return error == EACCES || error == ENOENT || error == ENOTDIR || error == ESTALE ||
         error == ENODEV || error == ETIMEDOUT;
}

}  // namespace weft::inline v0::detail
