// pipe(): two connected streams in memory, for tests of what speaks over a stream, and between
// tasks of one loop.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "weft/task.hpp"

namespace weft::inline v0 {

namespace detail {
class byte_pipe;
}

// One of the two ends that pipe() makes: what is written here is read there. Belongs to one loop.
// Destroying it closes it. An empty one (false: moved from, or closed) must not be used.
//
// One read and one write may be in flight at a time; a second one at once is a bug of the caller
// and throws std::logic_error.
class WEFT_API memory_stream {
 public:
  memory_stream() noexcept = default;
  memory_stream(memory_stream&&) noexcept = default;
  memory_stream& operator=(memory_stream&& other) noexcept;
  ~memory_stream() { close(); }

  explicit operator bool() const noexcept { return in_ != nullptr; }

  // Reads what is there, at most `buffer.size()` bytes, waiting for the first; yields how many, 0
  // once the other end has shut down or is closed, or for an empty buffer. Borrows `buffer` until
  // completion; resumes on the loop. Throws cancelled, which loses no byte.
  task<std::size_t> read_some(std::span<std::byte> buffer);

  // Writes what fits, waiting for room for the first byte; yields how many. Borrows `bytes` until
  // completion; resumes on the loop. Throws std::system_error, EPIPE, when the other end is closed
  // or this one has shut down; or cancelled, which wrote nothing.
  task<std::size_t> write_some(std::span<std::byte const> bytes);

  // Ends what is written: the other end reads what is left, then 0.
  void shutdown_write() noexcept;

  // Ends both directions. What is in flight on this end ends with ECANCELED.
  void close() noexcept;

 private:
  friend WEFT_API std::pair<memory_stream, memory_stream> pipe(std::size_t capacity_bytes);

  std::shared_ptr<detail::byte_pipe> in_;
  std::shared_ptr<detail::byte_pipe> out_;
};

// Two ends, connected in both directions, each of which holds up to `capacity_bytes` that have not
// been read. Throws std::invalid_argument for a capacity of 0.
[[nodiscard]] WEFT_API std::pair<memory_stream, memory_stream> pipe(
    std::size_t capacity_bytes = 65'536);

}  // namespace weft::inline v0
