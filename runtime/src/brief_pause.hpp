// Looking out for another thread without sleeping: what it takes, and whether it makes sense.
#pragma once

#include "weft/executor.hpp"

namespace weft::inline v0::detail {

// About as long as waking a thread takes, in pauses: 10 us where a pause takes 40 ns.
inline constexpr int pauses_max = 256;

// Tells the processor that this thread only waits. Tens of nanoseconds.
inline void pause_briefly() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");
#endif
}

// On a single processor nothing happens while one looks out.
inline bool looking_out_helps() noexcept {
  static bool const helps = usable_processors() > 1;
  return helps;
}

}  // namespace weft::inline v0::detail
