// What a process of a pool and its program share: a ring of slots for jobs, and who sleeps.
//
// Both sides go through the slots in turn. The program fills free ones; the worker takes them in
// order, runs what is queued and passes over what was withdrawn. `state` hands a slot over:
//
//   free -> queued -> running -> done -> free
//              `---> withdrawn -> passed -> free
//
// The program alone makes a slot free, queued or withdrawn, the worker alone running, done or
// passed. From queued both may go on, so both do it by compare-exchange. Each store is a release
// and each load that looks for it an acquire, so the bytes in the slot, and of the file that may
// hold them, go along.
//
// Sleeping: whoever is about to sleep says so and then looks once more; whoever has put something
// there looks then whether the other sleeps. All four are sequentially consistent, so one of the
// two sees the other.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "weft/detail/remote_function.hpp"

namespace weft::inline v0::detail {

inline constexpr std::size_t slot_count = 64;
inline constexpr std::size_t slot_bytes = 16'384;

struct job_slot {
  enum class state : std::uint32_t { free, queued, running, done, withdrawn, passed };
  enum class kind : std::uint8_t { value, error };

  std::atomic<state> now{state::free};
  kind result = kind::value;
  bool in_file = false;  // what would be in `bytes` comes as a descriptor through the socket
  std::uint32_t size = 0;
  remote_function function;
  std::atomic<std::int64_t> begun{0};  // on machine_now()
  std::int64_t ended = 0;
  std::array<std::byte, slot_bytes - 64> bytes;
};
static_assert(sizeof(job_slot) <= slot_bytes);
static_assert(std::atomic<job_slot::state>::is_always_lock_free);

struct worker_memory {
  enum class stage : std::uint32_t { starting, working, failed };

  std::atomic<stage> reached{stage::starting};
  std::atomic<pid_t> pid{0};         // 0 until the worker is there
  std::array<char, 1024> failure{};  // of the initializer

  std::atomic<std::uint32_t> bell{0};  // a futex; rung when the worker may have something to do
  std::atomic<bool> worker_asleep{false};
  std::atomic<bool> program_asleep{false};
  std::atomic<bool> to_end{false};     // once there is no job left
  std::atomic<std::uint32_t> loop{0};  // which loop the program is on: they are counted

  std::array<job_slot, slot_count> slots;

  // Wakes the worker if it sleeps.
  void ring() noexcept {
    if (!worker_asleep.load(std::memory_order_seq_cst)) return;
    bell.fetch_add(1, std::memory_order_seq_cst);
    ::syscall(SYS_futex, &bell, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }

  // Sleeps until the bell is rung after `seen` was read from it.
  void sleep(std::uint32_t seen) noexcept {
    ::syscall(SYS_futex, &bell, FUTEX_WAIT, seen, nullptr, nullptr, 0);
  }
};

// The clock that all processes of the machine share.
inline std::int64_t machine_now() noexcept {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

// What comes with a descriptor, through the socket between the two.
struct worker_message {
  enum class kind : std::uint8_t { wake_descriptor, file_of_slot };

  kind what;
  std::uint32_t number;  // of the loop, of the slot
};

}  // namespace weft::inline v0::detail
