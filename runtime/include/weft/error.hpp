// How work fails. Errors of the system are std::system_error with the errno, the operation's name
// and its object; the types here are Weft's own, and distinct from one another.
#pragma once

#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0 {

// Thrown by every operation started in a cancelled scope. It is no std::exception on purpose: a
// handler for errors must not swallow a cancellation. Let it pass; if you catch it, rethrow it.
class WEFT_API cancelled {
 public:
  explicit cancelled(std::size_t bytes_done = 0) noexcept : bytes_done_(bytes_done) {}
  [[nodiscard]] char const* what() const noexcept { return "cancelled"; }

  // How many bytes an operation of several steps (read_exactly, write_all) had moved.
  [[nodiscard]] std::size_t bytes_done() const noexcept { return bytes_done_; }

 private:
  std::size_t bytes_done_;
};

// Thrown by with_timeout and with_deadline when time ran out first. As an error code: timed_out.
class WEFT_API timed_out : public std::system_error {
 public:
  explicit timed_out(std::size_t bytes_done = 0)
      : std::system_error(std::make_error_code(std::errc::timed_out), "weft"),
        bytes_done_(bytes_done) {}

  // As of the cancellation that ended the body.
  [[nodiscard]] std::size_t bytes_done() const noexcept { return bytes_done_; }

 private:
  std::size_t bytes_done_;
};

// Thrown by an operation of several steps (read_exactly, write_all) when one of them failed.
class WEFT_API transfer_error : public std::system_error {
 public:
  transfer_error(std::error_code error, std::string const& what, std::size_t bytes_done)
      : std::system_error(error, what), bytes_done_(bytes_done) {}

  // With the code and the text of the step that failed.
  transfer_error(std::system_error const& step, std::size_t bytes_done)
      : std::system_error(step), bytes_done_(bytes_done) {}

  // How many bytes the steps before had moved.
  [[nodiscard]] std::size_t bytes_done() const noexcept { return bytes_done_; }

 private:
  std::size_t bytes_done_;
};

// Thrown when a stream ends before what was asked for is complete.
class WEFT_API end_of_stream : public std::runtime_error {
 public:
  explicit end_of_stream(std::size_t bytes_done)
      : std::runtime_error("the stream ended early"), bytes_done_(bytes_done) {}

  // How many bytes came before the end.
  [[nodiscard]] std::size_t bytes_done() const noexcept { return bytes_done_; }

 private:
  std::size_t bytes_done_;
};

// Thrown by run when nothing is ready and nothing is alive that could ever make it so.
class WEFT_API deadlock : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Thrown on joining a child that was cancelled while the one who joins was not.
class WEFT_API child_cancelled : public std::runtime_error {
 public:
  child_cancelled() : std::runtime_error("the joined task was cancelled") {}
};

// Thrown by sending into a closed channel.
class WEFT_API channel_closed : public std::runtime_error {
 public:
  channel_closed() : std::runtime_error("the channel is closed") {}
};

// What else failed while the last failing scope of this chain drained: the scope rethrew the first
// exception, these came later. Yields them in order and forgets them. Call it in the handler.
WEFT_API std::vector<std::exception_ptr> take_suppressed();

namespace detail {
[[noreturn]] WEFT_API void throw_system_error(int error, std::string const& what);
}

}  // namespace weft::inline v0
