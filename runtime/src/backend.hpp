// The seam between the loop and the kernel. A backend starts, cancels and waits; it owns every wait
// in the kernel, and the clock and the randomness that the loop sees. The set of backends is closed
// (io_uring, epoll, and simulated ones in tests); the set of operations is open, and no backend
// knows them by name.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "weft/detail/io_operation.hpp"
#include "weft/detail/timer.hpp"
#include "weft/run.hpp"

namespace weft::inline v0::detail {

enum class started : std::uint8_t {
  finished,     // completed inline; `result` has been set
  in_flight,    // complete() will be called, from any later call
  unsupported,  // not without blocking: the loop offloads it to the blocking pool
};

class backend {
 public:
  virtual ~backend() = default;

  [[nodiscard]] virtual std::string_view name() const noexcept = 0;

  // Begins an operation. An inline result is stored in `result`.
  virtual started start(io_operation& op, int& result) noexcept = 0;

  // Asks an operation in flight to end. Its completion tells how it ended, which may be as if it
  // had never been asked.
  virtual void cancel(io_operation& op) noexcept = 0;

  // Submits what was started and completes what has ended. When nothing is ready it sleeps until
  // something is, the wake descriptor is readable, or `deadline` (on this clock) has come; a
  // deadline in the past only looks. May return early. Says whether the wake descriptor was
  // readable; it is for the caller to read it.
  [[nodiscard]] virtual bool wait(std::int64_t deadline) noexcept = 0;

  // Closes a descriptor: 0 or -errno. What is in flight on it has been cancelled, and need not have
  // completed, but does not keep it open. From then on its number may be another's.
  virtual int close(int fd) noexcept = 0;

  // Drops what the backend keeps about a descriptor that leaves it open.
  virtual void forget(int fd) noexcept = 0;

  // How many operations are in flight.
  [[nodiscard]] virtual std::size_t in_flight() const noexcept = 0;

  // Nanoseconds on a monotonic clock.
  [[nodiscard]] virtual std::int64_t now() noexcept = 0;

  [[nodiscard]] virtual std::uint64_t random() noexcept = 0;
};

struct chosen_backend {
  std::unique_ptr<backend> made;
  std::string reason;
};

// Makes the backend that the options and WEFT_BACKEND ask for, which wakes when `wake_fd` is
// readable. Throws std::system_error when it was asked for by name and cannot be had.
chosen_backend make_backend(backend_kind wanted, int wake_fd);

struct uring_settings {
  unsigned entries = 256;
  unsigned completion_entries = 4096;
  unsigned setup_flags = ~0u;  // a mask: which of the optional setup flags may be used
  std::uint64_t opcodes = ~std::uint64_t{0};  // a mask: which opcodes may be used
};

// Throw std::system_error, naming the call that failed.
std::unique_ptr<backend> make_uring_backend(int wake_fd, uring_settings const& settings = {});
std::unique_ptr<backend> make_epoll_backend(int wake_fd);

// Makes the descriptor of an operation that will be performed on this thread non-blocking, if it
// is owned: readiness for one byte says nothing about the rest. The shell shares descriptors 0 to
// 2 with other programs; they stay as they are.
void make_non_blocking(io_operation const& op) noexcept;

// Performs an operation on such a descriptor without waiting: -EAGAIN where it would have to.
int perform_now(io_operation& op) noexcept;

// CLOCK_MONOTONIC, for the backends on the real kernel.
std::int64_t monotonic_now() noexcept;

// getrandom(2) without blocking, many numbers a call. It belongs to one loop, so no forked child
// repeats its parent's numbers.
class kernel_randomness {
 public:
  std::uint64_t next() noexcept {
    if (left_ == 0) refill();
    return std::exchange(numbers_[--left_], 0);
  }

 private:
  void refill() noexcept;

  std::array<std::uint64_t, 32> numbers_{};  // the kernel gives 256 bytes without interruption
  std::size_t left_ = 0;
};

}  // namespace weft::inline v0::detail
