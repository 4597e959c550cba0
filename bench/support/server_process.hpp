// A server program that runs as a child, from its first line to its exit. The child dies with the
// bench, whatever that dies of. It leads a process group, to which signals go: a program that runs
// the server under another one, which may shield itself from signals, is ended by ending the
// server.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/file_descriptor.hpp"

namespace bench {

struct server_command {
  std::vector<std::string> arguments;                            // the program first
  std::vector<std::pair<std::string, std::string>> environment;  // in addition to ours
};

class server_process {
 public:
  // Starts the program, bound to a processor if one is given, and waits for its first line. Throws
  // if it does not come.
  explicit server_process(server_command const& command, std::optional<int> processor = {});
  ~server_process();
  server_process(server_process const&) = delete;
  server_process& operator=(server_process const&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  // What it calls itself.
  [[nodiscard]] std::string const& name() const noexcept { return name_; }

  // What all of its threads have used so far. Exact while they sleep, since the kernel counts when
  // a thread leaves the processor; at most a tick behind while they run.
  [[nodiscard]] std::chrono::nanoseconds processor_time() const;

  // Sends SIGTERM and waits for the end. Throws if the exit status is not 0.
  void stop();

 private:
  void read_first_line();
  [[nodiscard]] bool ends_within(std::chrono::milliseconds limit) const;
  int reap() noexcept;

  pid_t pid_ = -1;  // -1: it has been waited for
  file_descriptor handle_;
  file_descriptor output_;
  std::string program_;
  std::string name_;
  std::uint16_t port_ = 0;
};

}  // namespace bench
