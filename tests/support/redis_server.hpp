// A Redis server of a test's own, on a Unix socket.
#pragma once

#include <csignal>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <doctest/doctest.h>

#include "support/program.hpp"
#include "support/temporary_directory.hpp"

namespace support {

class redis_server {
 public:
  static constexpr auto path = "/usr/bin/redis-server";

  // False, and says so, where there is no server to test with.
  static bool is_there() {
    if (::access(path, X_OK) == 0) return true;
    MESSAGE("skipped: there is no ", path);
    return false;
  }

  // With settings beyond those that keep it from the disk.
  explicit redis_server(std::vector<std::string> settings = {}) : settings_(std::move(settings)) {
    start();
  }
  redis_server(redis_server const&) = delete;
  redis_server& operator=(redis_server const&) = delete;
  ~redis_server() = default;

  // Starts it again, with what it has kept.
  void start() {
    std::vector<std::string> arguments{
        "--port", "0", "--unixsocket", socket(),        "--unixsocketperm", "700",
        "--save", "",  "--dir",        directory_ / "."};
    arguments.insert(arguments.end(), settings_.begin(), settings_.end());
    process_.emplace(path, std::move(arguments));
    process_->wait_for("ready to accept connections");
  }

  void kill() {
    process_->signal(SIGKILL);
    process_->wait();
    process_.reset();
  }

  [[nodiscard]] std::string socket() const { return directory_ / "socket"; }

 private:
  temporary_directory directory_;
  std::vector<std::string> settings_;
  std::optional<program> process_;
};

}  // namespace support
