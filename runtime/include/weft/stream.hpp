// What a stream of bytes is, and what can be done with any of them: a pipe, a connection, or an
// adapter over another stream. Streams move some bytes at a time; the algorithms here go on until
// all are moved, and say in what they throw how far they came.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>

#include "weft/error.hpp"
#include "weft/task.hpp"

namespace weft::inline v0 {

namespace detail {

template <class Awaitable, class T>
concept yields = weft_awaiter<awaiter_type<Awaitable>> && std::same_as<await_result<Awaitable>, T>;

// For a handler: rethrows what it handles with `bytes_done` put in. cancelled, timed_out and
// end_of_stream keep their type, another std::system_error becomes a transfer_error, and everything
// else stays as it is.
[[noreturn]] WEFT_API void rethrow_with(std::size_t bytes_done);

[[noreturn]] WEFT_API void throw_nothing_written();

// A stream that writes nothing would be asked again for ever.
inline std::size_t some(std::size_t written) {
  if (written == 0) [[unlikely]]
    throw_nothing_written();
  return written;
}

}  // namespace detail

// `read_some` waits for the first byte and yields how many it read; 0 only at the end of the stream
// or for an empty buffer. One that is cancelled throws, and has taken nothing from the stream.
template <class Stream>
concept readable_stream = requires(Stream& stream, std::span<std::byte> buffer) {
  { stream.read_some(buffer) } -> detail::yields<std::size_t>;
};

// `write_some` waits for room and yields how many bytes it wrote, at least 1 of bytes that are not
// empty. One that is cancelled throws, and has written nothing.
template <class Stream>
concept writable_stream = requires(Stream& stream, std::span<std::byte const> bytes) {
  { stream.write_some(bytes) } -> detail::yields<std::size_t>;
};

namespace detail {

template <class Stream>
concept has_write_all = requires(Stream& stream, std::span<std::byte const> bytes) {
  requires weft_awaiter<awaiter_type<decltype(stream.write_all(bytes))>>;
};

}  // namespace detail

// Fills the whole buffer; an empty one without touching the stream. Borrows the stream and the
// buffer until the task ends; resumes on the caller's loop. What it throws says in bytes_done() how
// many bytes at the front of the buffer were filled, which the stream no longer has: end_of_stream
// when the stream ended before, transfer_error when a step failed, or cancelled.
template <readable_stream Stream>
task<> read_exactly(Stream& from, std::span<std::byte> buffer) {
  std::size_t done = 0;
  bool ended = false;
  try {
    while (done < buffer.size() && !ended) {
      std::size_t const count = co_await from.read_some(buffer.subspan(done));
      ended = count == 0;
      done += count;
    }
  } catch (...) {
    detail::rethrow_with(done);
  }
  if (ended) throw end_of_stream(done);
}

// Writes all the bytes; none of them without touching the stream. Borrows the stream and the bytes
// until the task ends; resumes on the caller's loop. Throws transfer_error when a step failed, or
// cancelled; bytes_done() says how many bytes from the front were written. The receiver then has
// part of a message: go on with the rest, or close the stream.
//
// A stream with a member `write_all` of its own is left to do it, and throws as that says: those of
// Weft throw likewise, and refuse to go on after a part was written. Such a member must not call
// this function.
template <writable_stream Stream>
task<> write_all(Stream& to, std::span<std::byte const> bytes) {
  if constexpr (detail::has_write_all<Stream>) {
    co_await to.write_all(bytes);
  } else {
    std::size_t done = 0;
    try {
      while (done < bytes.size()) done += detail::some(co_await to.write_some(bytes.subspan(done)));
    } catch (...) {
      detail::rethrow_with(done);
    }
  }
}

namespace detail {

// A stream that takes the contents of another by a shorter way: a socket, of a file.
template <class To, class From>
concept has_send_file = requires(To& to, From& from) {
  { to.send_file(from) } -> yields<std::uint64_t>;
};

template <readable_stream From, writable_stream To>
task<std::uint64_t> copy_through_buffer(From& from, To& to, std::size_t buffer_bytes) {
  if (buffer_bytes == 0) throw std::invalid_argument("weft: copy through a buffer of 0 bytes");
  auto const memory = std::make_unique_for_overwrite<std::byte[]>(buffer_bytes);
  std::span<std::byte> const buffer(memory.get(), buffer_bytes);
  std::uint64_t done = 0;
  try {
    while (std::size_t const count = co_await from.read_some(buffer)) {
      std::size_t written = 0;
      while (written < count) {
        std::size_t const step =
            detail::some(co_await to.write_some(buffer.subspan(written, count - written)));
        written += step;
        done += step;
      }
    }
  } catch (...) {
    detail::rethrow_with(static_cast<std::size_t>(done));
  }
  co_return done;
}

}  // namespace detail

// Copies until the end of `from`, through one buffer of `buffer_bytes`; yields how many bytes it
// copied. Neither stream is closed. Borrows both until the task ends; resumes on the caller's loop.
// Throws std::invalid_argument for a buffer of no bytes, transfer_error when a step failed (its
// text names the step), or cancelled; bytes_done() says how many bytes were written. When a write
// ended it, what was read and not yet written, at most `buffer_bytes`, is lost. From a file to a
// socket there is no buffer, and nothing is lost: the kernel copies (see stream_socket::send_file).
template <readable_stream From, writable_stream To>
task<std::uint64_t> copy(From& from, To& to, std::size_t buffer_bytes = 65'536) {
  if constexpr (detail::has_send_file<To, From>)
    if (buffer_bytes != 0) return to.send_file(from);
  return detail::copy_through_buffer(from, to, buffer_bytes);
}

}  // namespace weft::inline v0
