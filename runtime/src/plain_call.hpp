// System calls without glibc's wrappers, which are points of thread cancellation: as soon as a
// process has a second thread, recv, send and epoll_wait turn that on and off around the call,
// which takes some 60 instructions each.
#pragma once

namespace weft::inline v0::detail {

// A sanitizer sees what memory a call touches, and whom it comes after, only if it knows the call.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__x86_64__)
#define WEFT_PLAIN_CALLS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define WEFT_PLAIN_CALLS 0
#endif
#endif
#ifndef WEFT_PLAIN_CALLS
#define WEFT_PLAIN_CALLS 1
#endif

#if WEFT_PLAIN_CALLS

// One that takes four arguments and two zeros: its result, or -errno. See syscall(2).
inline long plain_call(long number, long first, long second, long third, long fourth) noexcept {
  register long in_r10 asm("r10") = fourth;
  register long in_r8 asm("r8") = 0;
  register long in_r9 asm("r9") = 0;
  long result = number;
  asm volatile("syscall"
               : "+a"(result)
               : "D"(first), "S"(second), "d"(third), "r"(in_r10), "r"(in_r8), "r"(in_r9)
               : "rcx", "r11", "memory");
  return result;
}

#endif

}  // namespace weft::inline v0::detail
