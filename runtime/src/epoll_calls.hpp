// The calls that every tick on epoll takes, see plain_call.hpp. Each yields how many events there
// are, or -errno.
#pragma once

#include <sys/epoll.h>
#include <sys/syscall.h>

#include <ctime>
#include <span>

#include "plain_call.hpp"
#include "transfer.hpp"

namespace weft::inline v0::detail {

#if WEFT_PLAIN_CALLS

// See epoll_pwait2(2); for ever without a timeout.
inline int wait_for_events(int epoll, std::span<epoll_event> into,
                           timespec const* timeout) noexcept {
  return static_cast<int>(plain_call(SYS_epoll_pwait2, epoll, reinterpret_cast<long>(into.data()),
                                     static_cast<long>(into.size()),
                                     reinterpret_cast<long>(timeout)));
}

// See epoll_wait(2); for ever if `milliseconds` is -1.
inline int wait_for_events(int epoll, std::span<epoll_event> into, int milliseconds) noexcept {
  return static_cast<int>(plain_call(SYS_epoll_wait, epoll, reinterpret_cast<long>(into.data()),
                                     static_cast<long>(into.size()), milliseconds));
}

#else

inline int wait_for_events(int epoll, std::span<epoll_event> into,
                           timespec const* timeout) noexcept {
  return result_of(
      ::epoll_pwait2(epoll, into.data(), static_cast<int>(into.size()), timeout, nullptr));
}

inline int wait_for_events(int epoll, std::span<epoll_event> into, int milliseconds) noexcept {
  return result_of(::epoll_wait(epoll, into.data(), static_cast<int>(into.size()), milliseconds));
}

#endif

}  // namespace weft::inline v0::detail
