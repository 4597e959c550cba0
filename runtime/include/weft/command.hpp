// command: a foreign program with its arguments, environment, directory and standard streams; and
// the ways to run it: for its status, for what it prints, in a conversation, or as a stream.
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weft/child_process.hpp"

namespace weft::inline v0 {

// What one of a command's standard streams is connected with.
class WEFT_API stdio {
 public:
  // A new pipe, of which the parent has the other end.
  static stdio pipe() { return stdio(kind::pipe); }

  // /dev/null.
  static stdio null() { return stdio(kind::null); }

  // The parent's own. Where the parent has closed it, or has another file under that number (which
  // close-on-exec tells), the child gets /dev/null.
  static stdio inherit() { return stdio(kind::inherit); }

  // A copy of an open descriptor, which is borrowed until the command has started, each time. Its
  // flags, O_NONBLOCK among them, are the child's too.
  static stdio descriptor(int fd) {
    stdio made(kind::descriptor);
    made.fd_ = fd;
    return made;
  }
  static stdio descriptor(weft::descriptor const& open) { return descriptor(open.get()); }

  // A file, opened at each start, relative to the parent's directory: for stdin to be read, else
  // created or emptied, and written. A FIFO is opened without waiting for its other end, so one to
  // be written fails with ENXIO when nobody reads it.
  static stdio file(std::string path) { return {kind::file, std::move(path)}; }

  // The same for stdout and stderr, written at the end of what is there.
  static stdio append(std::string path) { return {kind::append, std::move(path)}; }

  // For stderr only: wherever stdout goes.
  static stdio output() { return stdio(kind::output); }

  enum class kind : std::uint8_t { pipe, null, inherit, descriptor, file, append, output };
  [[nodiscard]] kind what() const noexcept { return kind_; }
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] std::string const& path() const noexcept { return path_; }

 private:
  explicit stdio(kind what) noexcept : kind_(what) {}
  stdio(kind what, std::string path) noexcept : kind_(what), path_(std::move(path)) {}

  kind kind_;
  int fd_ = -1;
  std::string path_;
};

// How a command ended, and what it wrote to those of its stdout and stderr that were pipes.
struct command_output {
  exit_status status;
  std::string out;
  std::string err;

  // A process that the command has left behind still held a pipe open when the grace was over. What
  // the command itself wrote is all here; what that process may write is not.
  bool cut = false;
};

// Thrown when a command writes more than command::output_limit allows.
class WEFT_API output_too_large : public std::runtime_error {
 public:
  output_too_large(std::string const& program, std::size_t limit_bytes);

  [[nodiscard]] std::size_t limit_bytes() const noexcept { return limit_bytes_; }

 private:
  std::size_t limit_bytes_;
};

// A value: it holds no resources, and can be run several times, also at once.
//
// The program starts on the thread that asks for it, which waits until the exec has happened: a
// fraction of a millisecond, and no more when the parent is large. Where it cannot be started,
// std::system_error says why: "run nslookup: No such file or directory" (ENOENT, EACCES, E2BIG,
// EAGAIN, ...); the text names the directory when that could not be entered. An argument, name,
// value or path with a NUL byte throws std::invalid_argument.
//
// The child has descriptors 0, 1, 2 and those that were passed, and no others; no signal is blocked
// in it, none is handled, and those that the parent ignores are ignored, but for SIGPIPE. It leads
// a process group of its own, unless its stdin is the parent's terminal, where Ctrl-C is to reach
// both. When the thread that started it ends, and so when the parent dies in whatever way, the
// kernel kills the child (not its children; see prctl(2), PR_SET_PDEATHSIG, which a set-user-ID
// program clears; builds with ThreadSanitizer do without).
//
// A cancelled status(), output() or communicate() kills the group, or the child alone when it has
// none of its own, and reaps the child before cancelled is thrown; so does any error.
class WEFT_API command {
 public:
  // The program is looked for in the directories of PATH, of the child's environment, unless it has
  // a slash; then it is a path, relative to the child's directory. A script needs its #! line.
  template <std::convertible_to<std::string_view>... Arguments>
  explicit command(std::string_view program, Arguments const&... arguments)
      : arguments_{std::string(program), std::string(std::string_view(arguments))...} {}

  // Each is one argument as it is; nothing is expanded, and nothing needs quotes.
  command& argument(std::string_view value);
  template <std::ranges::input_range Range>
    requires std::convertible_to<std::ranges::range_reference_t<Range>, std::string_view>
  command& arguments(Range&& values) {
    for (auto&& value : values) argument(value);
    return *this;
  }

  // The child's environment is the parent's at the start, with these changes. Names are not empty
  // and have no '=' (std::invalid_argument). No other thread may change the environment while a
  // command starts; see getenv(3).
  command& variable(std::string_view name, std::string_view value);
  command& without_variable(std::string_view name);

  // The whole environment, in place of the parent's and of the changes made before.
  command& environment(std::map<std::string, std::string> const& variables);

  // Where the child runs; relative to the parent's directory.
  command& directory(std::string path);

  // Its standard streams. What is not said depends on how it is run.
  command& input_from(stdio source);
  command& output_to(stdio sink);
  command& errors_to(stdio sink);

  // Passes a descriptor above 2 under its own number. Borrowed until the command has started.
  command& pass(int fd);

  // Lets the child live on when the parent dies. (A child_process that is destroyed kills it all
  // the same; see child_process::release.)
  command& outlive_parent();

  // How many bytes the command may write to its pipes in output() and communicate(), to both of
  // them together; without limit unless said. Above that it is killed and output_too_large thrown.
  command& output_limit(std::size_t bytes);

  // How long output() and communicate(), once the command has ended, wait for others that hold its
  // pipes open; one second unless said.
  command& grace(std::chrono::nanoseconds duration);

  // Runs it and yields how it ended. The streams that are not said are the parent's; none may be a
  // pipe (std::invalid_argument). Resumes on the caller's loop. Throws std::system_error, or
  // cancelled.
  [[nodiscard]] task<exit_status> status() const;

  // Runs it, reads its stdout and stderr at the same time, and yields both and how it ended. stdin
  // is /dev/null unless said. Resumes on the caller's loop. Throws std::system_error,
  // output_too_large, or cancelled.
  [[nodiscard]] task<command_output> output() const;

  // The same with an input, written while the outputs are read, so that neither side waits for the
  // other at any size; then the command's stdin ends. One that ends without having read all of it
  // is no error. Throws std::invalid_argument when stdin was said to be something else.
  [[nodiscard]] task<command_output> communicate(std::string input) const;

  // Starts it, and leaves the streams that are pipes to the caller: stdin and stdout unless said;
  // stderr is then the parent's. May be called outside of tasks too.
  [[nodiscard]] child_process spawn() const;

 private:
  using streams = std::array<stdio, 3>;

  [[nodiscard]] child_process start(streams const& otherwise) const;
  static task<exit_status> run(command started);
  static task<command_output> converse(command started, streams otherwise, std::string input);

  std::vector<std::string> arguments_;  // the program is the first
  std::map<std::string, std::optional<std::string>, std::less<>> variables_;  // nullopt: unset
  bool inherits_environment_ = true;
  bool outlives_parent_ = false;
  std::optional<std::string> directory_;
  std::array<std::optional<stdio>, 3> streams_;
  std::vector<int> passed_;
  std::size_t output_limit_ = std::numeric_limits<std::size_t>::max();
  std::chrono::nanoseconds grace_ = std::chrono::seconds(1);
};

}  // namespace weft::inline v0
