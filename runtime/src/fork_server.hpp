// The program's side of the fork server: how it is started, how children are asked for, and what is
// known of them. See weft/fork_server.hpp; the server itself is in fork_server_process.cpp.
//
// Requests and reports are messages on one socket. A thread of the program reads the reports, and
// it alone writes what is known of a child.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

#include "milestone.hpp"
#include "weft/detail/child_entry.hpp"
#include "weft/exit_status.hpp"

namespace weft::inline v0::detail {

// One child, from the request on. Any thread.
class remote_child {
 public:
  remote_child() = default;
  remote_child(remote_child const&) = delete;
  remote_child& operator=(remote_child const&) = delete;
  ~remote_child();

  milestone has_started;  // or has failed to
  milestone has_ended;

  [[nodiscard]] pid_t pid() const;

  // Once it has ended: how; nothing when the server has died and nobody knows.
  [[nodiscard]] std::optional<exit_status> status() const;

  // Why it could not be forked: an errno; 0 if it could.
  [[nodiscard]] int error() const;

  // Sends a signal; to one that has not started yet, SIGKILL only, as soon as it has. 0 or an
  // errno.
  int signal(int number);

 private:
  friend class fork_server;

  void start(pid_t pid, int pidfd);
  void end(std::optional<exit_status> how, int error);

  mutable std::mutex mutex_;
  pid_t pid_ = -1;
  int pidfd_ = -1;  // while it runs
  int error_ = 0;
  bool to_be_killed_ = false;
  std::optional<exit_status> status_;
};

class fork_server {
 public:
  // The program's; started if it is not running. Throws std::logic_error, which names `wanted_by`,
  // when the program has other threads already.
  static std::shared_ptr<fork_server> get(std::string const& wanted_by);

  // Starts it where a header asked for it and it is possible. A child starts one only for what
  // needs it, unless a thread is to come that the child knows nothing of.
  static void start_if_wanted(bool in_children = false) noexcept;

  fork_server(int socket, pid_t server);
  fork_server(fork_server const&) = delete;
  fork_server& operator=(fork_server const&) = delete;
  ~fork_server();

  // Asks for a child. The descriptors are borrowed. Blocks while the server has hundreds of
  // requests to answer. Throws std::logic_error for a function that the server does not have,
  // std::system_error when the request cannot be sent.
  std::shared_ptr<remote_child> start(child_start const& wanted);

  // Throws std::logic_error when the server does not have the function.
  void require_known(void (*function)()) const;

 private:
  struct segment {
    std::uintptr_t begin;
    std::uintptr_t end;
  };

  void read_reports() noexcept;
  void lose_all() noexcept;

  int socket_;
  pid_t server_;
  pid_t owner_;
  std::vector<segment> executable_;

  std::mutex mutex_;
  std::uint64_t last_id_ = 0;
  bool lost_ = false;
  std::map<std::uint64_t, std::shared_ptr<remote_child>> children_;
  std::thread reader_;
};

}  // namespace weft::inline v0::detail
