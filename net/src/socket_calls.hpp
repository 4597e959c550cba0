// The calls that every message of a connection takes, as glibc has no name for them: not points of
// thread cancellation. As soon as a process has a second thread, glibc's recv and send turn that on
// and off around the call, which takes some 60 instructions each.
#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

#include "transfer.hpp"
#include "weft/detail/compiler.hpp"

namespace weft::inline v0::detail {

// A sanitizer sees what memory a call touches, and whom it comes after, only if it knows the call.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WEFT_NAMED_CALLS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WEFT_NAMED_CALLS 1
#endif
#endif
#ifndef WEFT_NAMED_CALLS
#define WEFT_NAMED_CALLS 0
#endif

#if WEFT_NAMED_CALLS

inline int receive_now(int socket, void* into, std::size_t size) noexcept {
  return result_of(::recv(socket, into, size, MSG_DONTWAIT));
}
inline int send_now(int socket, void const* bytes, std::size_t size) noexcept {
  return result_of(::send(socket, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL));
}

#else

// One that takes four arguments and two zeros: its result, or -errno. See syscall(2).
inline long call_kernel(long number, long first, long second, long third, long fourth) noexcept {
#if defined(__x86_64__)
  register long in_r10 asm("r10") = fourth;
  register long in_r8 asm("r8") = 0;
  register long in_r9 asm("r9") = 0;
  long result = number;
  asm volatile("syscall"
               : "+a"(result)
               : "D"(first), "S"(second), "d"(third), "r"(in_r10), "r"(in_r8), "r"(in_r9)
               : "rcx", "r11", "memory");
  return result;
#else
  return result_of(::syscall(number, first, second, third, fourth, 0L, 0L));
#endif
}

// recv(2) without waiting: the count, or -errno.
inline int receive_now(int socket, void* into, std::size_t size) noexcept {
  return static_cast<int>(call_kernel(SYS_recvfrom, socket, reinterpret_cast<long>(into),
                                      static_cast<long>(size), MSG_DONTWAIT));
}

// send(2) without waiting and without SIGPIPE: the count, or -errno.
inline int send_now(int socket, void const* bytes, std::size_t size) noexcept {
  return static_cast<int>(call_kernel(SYS_sendto, socket, reinterpret_cast<long>(bytes),
                                      static_cast<long>(size), MSG_DONTWAIT | MSG_NOSIGNAL));
}

#endif

}  // namespace weft::inline v0::detail
