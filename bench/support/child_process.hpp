// A program that runs as a child, written to and read from line by line. It dies with the bench,
// whatever that dies of. It leads a process group, to which signals go: a program that runs another
// one, which may shield itself from signals, is ended by ending that one.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/file_descriptor.hpp"

namespace bench {

struct child_command {
  std::vector<std::string> arguments;                                 // the program first
  std::vector<std::pair<std::string, std::string>> environment = {};  // in addition to ours
};

// What all threads of a process have used so far. Exact while they sleep, since the kernel counts
// when a thread leaves the processor; at most a tick behind while they run.
std::chrono::nanoseconds processor_time(pid_t process);

class child_process {
 public:
  // Starts the program, bound to a processor if one is given, with pipes as stdin and stdout.
  explicit child_process(child_command const& command, std::optional<int> processor = {});
  ~child_process();
  child_process(child_process const&) = delete;
  child_process& operator=(child_process const&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] std::string const& program() const noexcept { return program_; }

  // Sends it a line.
  void write_line(std::string_view line);

  // The next line of its output, without the end. Throws if none comes within a minute.
  std::string read_line();

  // Ends its input and waits for the end that this means to it. Throws if it does not come within
  // 20 seconds, or the exit status is not 0.
  void finish();

  // Sends SIGTERM and waits for the end. Throws if the exit status is not 0.
  void stop();

 private:
  [[nodiscard]] bool ends_within(std::chrono::milliseconds limit) const;
  int reap() noexcept;
  void expect_end(std::string_view at);

  pid_t pid_ = -1;  // -1: it has been waited for
  file_descriptor handle_;
  file_descriptor input_;
  file_descriptor output_;
  std::string program_;
  std::string unread_;
};

}  // namespace bench
