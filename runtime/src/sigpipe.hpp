// Keeps SIGPIPE from a loop's thread while the loop lives: write(2) to a pipe has no flag for it.
// The signal that a failed write raises is directed at the writing thread, so blocking it there is
// enough, and the program's own disposition stays as it is.
#pragma once

#include <csignal>
#include <ctime>

#include <pthread.h>

namespace weft::inline v0::detail {

class sigpipe_blocked {
 public:
  sigpipe_blocked() noexcept {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~sigpipe_blocked() {
    if (::sigismember(&before_, SIGPIPE) != 0) return;
    timespec const at_once{};
    ::sigtimedwait(&pipe_, nullptr, &at_once);  // takes one that our writes left pending
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  sigpipe_blocked(sigpipe_blocked const&) = delete;
  sigpipe_blocked& operator=(sigpipe_blocked const&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
};

}  // namespace weft::inline v0::detail
