// The program's standard streams, whatever they are connected with (a terminal, a pipe, a socket, a
// file, nothing at all), and what a terminal can do besides: its size, and its raw mode.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "weft/descriptor.hpp"
#include "weft/task.hpp"

namespace weft::inline v0 {

namespace detail {

// A descriptor that others share, so that neither its flags may change nor its registration
// outlive its use. The same terminal or pipe is opened once more, for us alone, where that can be.
class WEFT_API standard_stream {
 public:
  enum class kind : unsigned char { closed, own, socket, shared, file };

  standard_stream(int fd, interest direction);
  standard_stream(standard_stream const&) = delete;
  standard_stream& operator=(standard_stream const&) = delete;
  ~standard_stream();

  [[nodiscard]] bool is_terminal() const noexcept { return is_terminal_; }

  task<std::size_t> read_some(std::span<std::byte> buffer);
  task<std::size_t> write_some(std::span<std::byte const> bytes);

 private:
  friend class shared_operation;

  int shared_;
  descriptor own_;
  kind kind_ = kind::closed;
  bool is_terminal_ = false;
  bool is_pipe_ = false;
  io_operation* in_use_ = nullptr;
  void const* used_on_ = nullptr;  // the loop
};

}  // namespace detail

namespace terminal {

// A readable stream of what comes in at `fd`, which stays open, and blocking for whoever shares it.
// It stays where it is and belongs to the loop it is first used on; one read at a time, a second
// one is a bug of the caller and throws std::logic_error (a debug build aborts).
class input {
 public:
  explicit input(int fd = 0) : stream_(fd, weft::detail::interest::read) {}

  [[nodiscard]] bool is_terminal() const noexcept { return stream_.is_terminal(); }

  // Reads what is there, at most `buffer.size()` bytes, waiting for the first (at a terminal: for
  // a line, unless it is in raw mode); yields how many, 0 at the end. A file is read from where
  // it is, on the blocking pool if need be. Borrows this and `buffer` until completion; resumes on
  // the loop. Throws std::system_error ("read stdin: Bad file descriptor" when it is closed), or
  // cancelled, which loses no byte. See read(2).
  task<std::size_t> read_some(std::span<std::byte> buffer) { return stream_.read_some(buffer); }

 private:
  weft::detail::standard_stream stream_;
};

// A writable stream of what goes out at `fd`; otherwise as input.
class output {
 public:
  explicit output(int fd = 1) : stream_(fd, weft::detail::interest::write) {}

  [[nodiscard]] bool is_terminal() const noexcept { return stream_.is_terminal(); }

  // Writes what fits, waiting for room for the first byte; yields how many. Borrows this and
  // `bytes` until completion; resumes on the loop. Throws std::system_error (EPIPE when nobody
  // reads; no SIGPIPE), or cancelled, which wrote nothing. See write(2).
  task<std::size_t> write_some(std::span<std::byte const> bytes) {
    return stream_.write_some(bytes);
  }

 private:
  weft::detail::standard_stream stream_;
};

struct window_size {
  unsigned columns = 0;
  unsigned rows = 0;
};

// None where there is no terminal, or one that does not know its size. The signal SIGWINCH tells
// that it has changed. See TIOCGWINSZ(2const).
WEFT_API std::optional<window_size> size(int fd = 1) noexcept;

// While it exists, the terminal gives each key as it comes, shows nothing by itself, and makes no
// signals of Ctrl-C and the like. It is as it was before once this is destroyed, and also when the
// program ends otherwise: by std::exit, by abort, by a second Ctrl-C under run_main, by a standard
// signal that ends it. What leaves it raw is SIGKILL, _exit, and a signal whose handler was put in
// place before this and taken away while it exists (as weft::signals does). See cfmakeraw(3).
class WEFT_API raw_mode {
 public:
  // Throws std::system_error, ENOTTY, when it is no terminal; std::logic_error while another
  // exists.
  explicit raw_mode(int fd = 0);
  raw_mode(raw_mode const&) = delete;
  raw_mode& operator=(raw_mode const&) = delete;
  ~raw_mode();
};

}  // namespace terminal
}  // namespace weft::inline v0
