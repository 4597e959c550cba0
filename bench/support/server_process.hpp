// A server program that runs as a child, from its first line, which says where it listens, to its
// exit.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "support/child_process.hpp"

namespace bench {

class server_process {
 public:
  // Starts the program, bound to a processor if one is given, and waits for its first line. Throws
  // if it does not come.
  explicit server_process(child_command const& command, std::optional<int> processor = {});

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] pid_t pid() const noexcept { return child_.pid(); }
  // What it calls itself.
  [[nodiscard]] std::string const& name() const noexcept { return name_; }

  // What all of its threads have used so far: see bench::processor_time.
  [[nodiscard]] std::chrono::nanoseconds processor_time() const {
    return bench::processor_time(child_.pid());
  }

  // Sends SIGTERM and waits for the end. Throws if the exit status is not 0.
  void stop() { child_.stop(); }

 private:
  child_process child_;
  std::string name_;
  std::uint16_t port_ = 0;
};

}  // namespace bench
