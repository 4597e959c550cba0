// The signal that interrupts a stall, and the stack that its handler takes.
//
// It is SIGURG: ignored by default, so that one that comes too late harms nobody, and hardly ever
// used. A handler that was there before gets all that is not ours.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <span>

#include <sys/types.h>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::detail {

// The signal is handled while any of these exists.
class stall_signal {
 public:
  stall_signal();
  stall_signal(stall_signal const&) = delete;
  stall_signal& operator=(stall_signal const&) = delete;
  ~stall_signal();

  // To a thread of this process.
  static void send(pid_t thread) noexcept;
};

// What a signal handler can find out; nothing in here allocates or takes a lock.
struct stack_sample {
  // Addresses inside the functions, the innermost first; no frame of the handler's own.
  std::array<std::uintptr_t, 64> addresses{};
  std::size_t depth = 0;

  std::int64_t tick_began = 0;  // as of the loop's clock
  std::array<char, 64> name{};  // of the chain, cut; "" for none
  std::source_location spawned_at;
  bool has_chain = false;
  bool is_root = false;

  void take_stack() noexcept;
  [[nodiscard]] std::span<std::uintptr_t const> stack() const noexcept {
    return {addresses.data(), depth};
  }
};

}  // namespace weft::inline v0::detail
