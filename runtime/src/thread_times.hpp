// What a thread has done with its time so far.
#pragma once

#include <cstdint>

#include <sys/types.h>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::detail {

struct thread_times {
  std::int64_t computed = 0;  // nanoseconds on a processor
  std::int64_t queued = 0;  // ready to run, but kept from it; 0 where the kernel does not count it

  // Of a thread of this process, which `processor_clock` is the clock of; see
  // pthread_getcpuclockid(3).
  static thread_times of(pid_t thread, clockid_t processor_clock) noexcept;
};

}  // namespace weft::inline v0::detail
