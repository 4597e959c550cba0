// Pipes, files and copies for a child's standard streams.
#include "standard_streams.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "exec_image.hpp"
#include "weft/error.hpp"

namespace weft::inline v0::detail {

namespace {

constexpr std::array<char const*, 3> names = {"stdin", "stdout", "stderr"};
constexpr mode_t created_mode = 0666;  // less the umask

// A copy above the standard numbers, so that no dup2 of the child's destroys it; -1 with errno.
int copy_above(int fd) noexcept { return ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1); }

// Close-on-exec says that the number was free, and that something else of ours has got it.
bool is_standard(int number) noexcept {
  int const flags = ::fcntl(number, F_GETFD);
  return flags >= 0 && (flags & FD_CLOEXEC) == 0;
}

}  // namespace

standard_streams::standard_streams(std::array<stdio, 3> const& wanted, std::string const& program)
    : program_(program) {
  given_.reserve(wanted.size());
  for (std::size_t stream = 0; stream < wanted.size(); ++stream) open(stream, wanted[stream]);
}

void standard_streams::open(std::size_t stream, stdio const& wanted) {
  switch (wanted.what()) {
    case stdio::kind::pipe: return open_pipe(stream);
    case stdio::kind::null: return open_file(stream, "/dev/null", 0);
    case stdio::kind::inherit: return inherit(stream);
    case stdio::kind::descriptor: return copy(stream, wanted.fd());
    case stdio::kind::file: return open_file(stream, wanted.path(), O_CREAT | O_TRUNC);
    case stdio::kind::append: return open_file(stream, wanted.path(), O_CREAT | O_APPEND);
    case stdio::kind::output: break;
  }
  if (sources_[STDOUT_FILENO] >= 0)
    sources_[stream] = sources_[STDOUT_FILENO];
  else
    copy(stream, STDOUT_FILENO);
}

void standard_streams::open_pipe(std::size_t stream) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail(stream, "a pipe");
  descriptor reads = descriptor::adopt(ends[0]);
  descriptor writes = descriptor::adopt(ends[1]);
  bool const child_reads = stream == STDIN_FILENO;
  give(stream, (child_reads ? reads : writes).release(), "a pipe");
  ours_[stream] = std::move(child_reads ? writes : reads);
  // One among our own standard numbers would stay blocking, and look like a standard stream.
  if (int const low = ours_[stream].get(); low <= STDERR_FILENO) {
    int const moved = copy_above(low);
    if (moved < 0) fail(stream, "a pipe");
    ours_[stream] = descriptor::adopt(moved);
  }
}

// O_NONBLOCK keeps the opening of a FIFO from waiting, and is then taken away for the child.
void standard_streams::open_file(std::size_t stream, std::string const& path, int flags) {
  require_no_nul(path, "a file of a command");
  int const how = stream == STDIN_FILENO ? O_RDONLY : O_WRONLY | flags;
  int const fd = ::open(path.c_str(), how | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, created_mode);
  if (fd >= 0) ::fcntl(fd, F_SETFL, flags & O_APPEND);
  give(stream, fd, path);
}

void standard_streams::inherit(std::size_t stream) {
  if (!is_standard(static_cast<int>(stream))) open_file(stream, "/dev/null", 0);
}

void standard_streams::copy(std::size_t stream, int fd) {
  give(stream, copy_above(fd), fmt::format("descriptor {}", fd));
}

void standard_streams::give(std::size_t stream, int fd, std::string const& what) {
  if (fd < 0) fail(stream, what);
  descriptor taken = descriptor::adopt(fd);
  if (fd <= STDERR_FILENO) {
    int const moved = copy_above(fd);
    if (moved < 0) fail(stream, what);
    taken = descriptor::adopt(moved);
  }
  sources_[stream] = taken.get();
  given_.push_back(std::move(taken));
}

void standard_streams::fail(std::size_t stream, std::string const& what) const {
  throw_system_error(errno, fmt::format("run {} with {} as {}", program_, what, names[stream]));
}

}  // namespace weft::inline v0::detail
