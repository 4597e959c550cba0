// Threads that are made while one of these exists handle no signals: the program's are handled on
// threads of its own choice, never on ours.
#pragma once

#include <pthread.h>

#include <csignal>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::detail {

class signals_blocked {
 public:
  signals_blocked() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  signals_blocked(signals_blocked const&) = delete;
  signals_blocked& operator=(signals_blocked const&) = delete;
  ~signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace weft::inline v0::detail
