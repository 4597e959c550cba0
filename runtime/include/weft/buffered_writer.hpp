// buffered_writer: collects small writes and gives them to the stream in large ones.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "weft/stream.hpp"

namespace weft::inline v0 {

namespace detail {

// The bytes that were accepted and not yet written, in order.
class WEFT_API write_buffer {
 public:
  explicit write_buffer(std::size_t capacity);
  write_buffer(write_buffer const&) = delete;
  write_buffer& operator=(write_buffer const&) = delete;
  ~write_buffer();  // reports a loss

  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  [[nodiscard]] bool full() const noexcept { return end_ == capacity_; }
  [[nodiscard]] std::span<std::byte const> unwritten() const noexcept {
    return {memory_.get() + begin_, end_ - begin_};
  }

  // Copies as many of the bytes as fit; returns how many.
  std::size_t append(std::span<std::byte const> bytes);
  void written(std::size_t count) noexcept;

  // A loss has been reported by an exception.
  void failed() noexcept { failed_ = true; }

 private:
  std::unique_ptr<std::byte[]> memory_;  // null before the first append
  std::size_t capacity_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool failed_ = false;
};

}  // namespace detail

// Borrows the stream, which must outlive it and must not be written past it. One write or flush at
// a time; resumes on the caller's loop. Neither copied nor moved. The buffer, of `capacity_bytes`,
// is allocated on the first write that needs it.
//
// The destructor cannot await, so it does not flush: what is unwritten then is lost. That is logged
// as a warning, unless an exception is passing or the last write or flush has failed.
template <writable_stream Stream>
class buffered_writer {
 public:
  static constexpr std::size_t default_capacity_bytes = 16'384;

  // Throws std::invalid_argument for a capacity of 0.
  explicit buffered_writer(Stream& to, std::size_t capacity_bytes = default_capacity_bytes)
      : to_(to), buffer_(capacity_bytes) {}

  // How many bytes wait for a flush.
  [[nodiscard]] std::size_t size() const noexcept { return buffer_.unwritten().size(); }

  // Takes all the bytes, in order: into the buffer, which is flushed when it is full and more
  // comes; or, when the buffer is empty and does not hold them, past it. What fits is no checkpoint
  // for cancellation. Borrows `bytes` until the task ends. Throws transfer_error, or cancelled;
  // bytes_done() says how many of the bytes were taken. The rest were not, and what was taken is
  // written or in the buffer, in order: a later write of the rest, or a flush, goes on there.
  task<> write(std::span<std::byte const> bytes) {
    std::size_t done = 0;
    try {
      while (done < bytes.size()) {
        auto const rest = bytes.subspan(done);
        if (buffer_.empty() && rest.size() >= buffer_.capacity())
          done += detail::some(co_await to_.write_some(rest));
        else if (buffer_.full())
          co_await flush();
        else
          done += buffer_.append(rest);
      }
    } catch (...) {
      buffer_.failed();
      detail::rethrow_with(done);
    }
  }

  // Writes all that is in the buffer. Throws transfer_error, or cancelled; bytes_done() says how
  // many bytes this flush wrote. The others stay in the buffer, and a later flush begins with the
  // first of them, so a cancelled flush can be repeated; size() says how many there are.
  task<> flush() {
    std::size_t done = 0;
    try {
      while (!buffer_.empty()) {
        std::size_t const count = detail::some(co_await to_.write_some(buffer_.unwritten()));
        buffer_.written(count);
        done += count;
      }
    } catch (...) {
      buffer_.failed();
      detail::rethrow_with(done);
    }
  }

 private:
  Stream& to_;
  detail::write_buffer buffer_;
};

}  // namespace weft::inline v0
