// The calls of pidfds, by their numbers: glibc 2.36 declares its functions without extern "C".
#pragma once

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace weft::inline v0::detail {

// A close-on-exec descriptor, or -1 with errno. See pidfd_open(2).
inline int open_pidfd(pid_t process) noexcept {
  return static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
}

// 0, or -1 with errno; ESRCH once the process has been reaped. See pidfd_send_signal(2).
inline int send_signal(int pidfd, int number) noexcept {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0));
}

}  // namespace weft::inline v0::detail
