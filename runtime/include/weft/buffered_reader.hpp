// buffered_reader: reads a stream in large pieces and hands it out in small ones: up to a
// delimiter, line by line, or a given number of bytes. Between the stream and the code that parses.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>

#include "weft/generator.hpp"
#include "weft/stream.hpp"

namespace weft::inline v0 {

// Thrown when no end of the line, or no delimiter, comes within the limit.
class WEFT_API line_too_long : public std::runtime_error {
 public:
  explicit line_too_long(std::size_t limit_bytes);

  [[nodiscard]] std::size_t limit_bytes() const noexcept { return limit_bytes_; }

 private:
  std::size_t limit_bytes_;
};

namespace detail {

// The bytes that were read and not yet taken, in one piece, so that a line is a view of them.
class WEFT_API read_buffer {
 public:
  explicit read_buffer(std::size_t capacity);

  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  [[nodiscard]] std::span<std::byte const> unread() const noexcept {
    return {memory_.get() + begin_, end_ - begin_};
  }

  // Where the stream may put more, at least one byte; grows when all that there is is unread.
  std::span<std::byte> room();
  void filled(std::size_t count) noexcept { end_ += count; }

  std::size_t take(std::span<std::byte> into) noexcept;

  // The bytes before the delimiter, which is taken too; or nothing while it has not come. Only what
  // came after the first `searched` bytes is looked at, which are then more.
  std::optional<std::string_view> take_until(std::string_view delimiter, std::size_t limit,
                                             std::size_t& searched);
  std::optional<std::string_view> take_line(std::size_t limit, std::size_t& searched);

  // The line that the end of the stream ends, if there is one.
  std::optional<std::string_view> take_last_line(std::size_t limit);

 private:
  [[nodiscard]] std::string_view text() const noexcept;

  std::unique_ptr<std::byte[]> memory_;  // null before the first read
  std::size_t capacity_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace detail

// Borrows the stream, which must outlive it and must not be read past it. One read at a time;
// resumes on the caller's loop. Neither copied nor moved. What is buffered is handed out without a
// checkpoint for cancellation. A cancelled or failed call of read_until, line or lines takes
// nothing: what it had read stays in the buffer, and a later call finds it.
//
// The buffer is allocated on the first read, with `capacity_bytes`, and doubles as long as one line
// needs more: up to twice the limit of that line.
template <readable_stream Stream>
class buffered_reader {
 public:
  static constexpr std::size_t default_capacity_bytes = 16'384;
  static constexpr std::size_t default_limit_bytes = 65'536;

  // Throws std::invalid_argument for a capacity of 0.
  explicit buffered_reader(Stream& from, std::size_t capacity_bytes = default_capacity_bytes)
      : from_(from), buffer_(capacity_bytes) {}
  buffered_reader(buffered_reader const&) = delete;
  buffered_reader& operator=(buffered_reader const&) = delete;

  // What was read and not yet handed out. Valid until the next call of another function.
  [[nodiscard]] std::span<std::byte const> buffered() const noexcept { return buffer_.unread(); }

  // Yields what is buffered, else waits for some; 0 at the end of the stream or for an empty
  // `into`, which is borrowed until the task ends. A piece as large as the buffer is read past it.
  // Throws what the stream does, cancelled among it, and then has lost no byte.
  task<std::size_t> read_some(std::span<std::byte> into) {
    if (buffer_.empty() && into.size() >= buffer_.capacity())
      co_return co_await from_.read_some(into);
    if (buffer_.empty() && !into.empty()) co_await fill();
    co_return buffer_.take(into);
  }

  // As weft::read_exactly: what it throws says how many bytes are in `into` and no longer here.
  task<> read_exactly(std::span<std::byte> into) { return weft::read_exactly(*this, into); }

  // Yields the bytes before the next `delimiter` and takes them and it. The view is valid until the
  // next call; `delimiter` is borrowed until the task ends. Throws line_too_long when more than
  // `limit_bytes` come before it, end_of_stream when the stream ends first (bytes_done() of them
  // stay in the buffer), std::invalid_argument for an empty delimiter, and what the stream throws.
  task<std::string_view> read_until(std::string_view delimiter,
                                    std::size_t limit_bytes = default_limit_bytes) {
    if (delimiter.empty()) throw std::invalid_argument("weft: read_until an empty delimiter");
    std::size_t searched = 0;
    for (;;) {
      if (auto const found = buffer_.take_until(delimiter, limit_bytes, searched)) co_return *found;
      if (co_await fill() == 0) throw end_of_stream(buffered().size());
    }
  }

  // Yields the next line without the LF or CRLF that ends it, or nullopt at the end of the stream;
  // what follows the last LF is a line if it is not empty. The view is valid until the next call.
  // Throws line_too_long when the line has more than `limit_bytes`, as soon as it is known and
  // again on each later call, and what the stream throws. A NUL is a byte like any other.
  task<std::optional<std::string_view>> line(std::size_t limit_bytes = default_limit_bytes) {
    std::size_t searched = 0;
    for (;;) {
      if (auto const found = buffer_.take_line(limit_bytes, searched)) co_return found;
      if (co_await fill() == 0) co_return buffer_.take_last_line(limit_bytes);
    }
  }

  // All lines to the end of the stream, each as line() yields it and valid until the next one.
  generator<std::string_view> lines(std::size_t limit_bytes = default_limit_bytes) {
    while (auto const next = co_await line(limit_bytes)) co_yield *next;
  }

 private:
  // Reads more into the buffer; yields how much, 0 at the end of the stream.
  task<std::size_t> fill() {
    std::size_t const count = co_await from_.read_some(buffer_.room());
    buffer_.filled(count);
    co_return count;
  }

  Stream& from_;
  detail::read_buffer buffer_;
};

}  // namespace weft::inline v0
