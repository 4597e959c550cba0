// child_process: a program that was started, and is owned. It is watched through a descriptor of
// the kernel's (a pidfd), which names this process and no later one with the same number.
#pragma once

#include <optional>

#include <sys/types.h>

#include "weft/descriptor.hpp"
#include "weft/exit_status.hpp"
#include "weft/task.hpp"

namespace weft::inline v0 {

namespace detail {
struct child_access;
}

// Made by weft::command::spawn. It stays where it is while it is awaited; moving or destroying it
// then aborts. Empty (false) once moved from or released; an empty one must not be used.
//
// Destroying one that has not been waited for kills it (its process group, when it has one of its
// own) and reaps it, so none is left as a zombie. That takes about a millisecond of the thread's
// time. A process that the kernel cannot end within a second, which happens when it hangs in a
// broken file system, is given up, and the log says so.
class WEFT_API child_process {
 public:
  child_process() noexcept = default;
  child_process(child_process&& other) noexcept;
  child_process& operator=(child_process&& other) noexcept;
  ~child_process();

  explicit operator bool() const noexcept { return static_cast<bool>(pidfd_); }

  // Our ends of those of its standard streams that are pipes; the others are empty. Close `input`
  // for the child to see the end of its input.
  descriptor input;         // its stdin, for writing
  descriptor output;        // its stdout, for reading
  descriptor error_output;  // its stderr, for reading

  // Its number. That of a process that has been waited for may be another's by now.
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  // Readable once it has ended: weft::readable(child.pidfd()) waits for that and leaves its status
  // for wait(). Borrowed; valid as long as the child_process. See pidfd_open(2).
  [[nodiscard]] int pidfd() const noexcept { return pidfd_.get(); }

  // Waits for its end, reaps it and yields how it ended; once that is known it yields the same at
  // once. Resumes on the caller's loop. Cancelled, it throws cancelled and leaves the process as it
  // is: the next wait() goes on. Borrows this object until the task ends. Throws std::system_error
  // when somebody else has reaped the process: it was ignoring SIGCHLD that did it, or a call of
  // waitpid(-1). See waitid(2).
  task<exit_status> wait();

  // How it ended, once wait() has yielded it.
  [[nodiscard]] std::optional<exit_status> const& status() const noexcept { return status_; }

  // Sends a signal: to its process group when the child has one of its own, else to it alone.
  // Nothing happens when it has ended. Throws std::system_error: EINVAL for a number that is no
  // signal, EPERM for a program that runs as another user. See kill(2), pidfd_send_signal(2).
  void signal(int number);
  void terminate();  // SIGTERM, which asks it to end
  void kill();       // SIGKILL, which ends it

  // Gives the process up as it is: yields the pidfd, which is the caller's to close, while the
  // process is nobody's and becomes a zombie at its end unless the caller waits for it.
  int release() noexcept;

 private:
  friend detail::child_access;

  int send(int number) noexcept;  // 0 or an errno
  bool reap(int options);         // whether it had ended
  void take(child_process& other) noexcept;
  void end_now() noexcept;

  descriptor pidfd_;
  pid_t pid_ = -1;
  int awaited_ = 0;         // how many tasks are in wait()
  bool has_group_ = false;  // it leads a process group of its own
  bool reaped_ = false;
  std::optional<exit_status> status_;
};

}  // namespace weft::inline v0
