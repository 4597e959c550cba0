// What the advisor says of a stall: who held the loop, for how long, where, and where else the work
// would do no harm.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include "thread_times.hpp"
#include "weft/detail/compiler.hpp"

namespace weft::inline v0::detail {

// The chain that held the loop. Without a name it had ended when it was looked at, and is known by
// its spawn site; a root has none.
struct stalling_chain {
  std::string name;
  std::source_location spawned_at;
  std::vector<std::source_location> awaits;  // after it let go; from the spawned task down
};

// What the loop tells when the resume that it was asked for is over.
struct stall_end {
  std::optional<stalling_chain> chain;  // none: it was no chain's resume
  std::int64_t tick_began = 0;          // nanoseconds of the loop's clock
  std::int64_t at = 0;                  // of the monotonic clock
  thread_times by_then;
};

struct stall {
  std::optional<stalling_chain> chain;
  bool goes_on = false;       // it has not ended yet
  bool while_ending = false;  // the chain's end took so long: destructors of what it held
  std::chrono::nanoseconds held{};
  std::chrono::nanoseconds threshold{};
  double computed = 0;                // the part of it that the thread was on a processor
  double queued = 0;                  // and that it was kept from it, on a busy machine
  std::vector<std::uintptr_t> stack;  // addresses, the innermost first; empty if none was taken
};

// Those that no report of their own was made for.
struct left_out_stalls {
  std::uint64_t count = 0;
  std::chrono::nanoseconds longest{};
};

// Several lines; puts names to the stack, which may take a while.
std::string to_text(stall const& of, left_out_stalls const& before);

// One line: the end of a stall that was reported while it lasted.
std::string end_to_text(stall const& of);

// "3 more stalls were not reported, the longest of 60 ms".
std::string to_text(left_out_stalls const& of);

}  // namespace weft::inline v0::detail
