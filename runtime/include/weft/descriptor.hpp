// File descriptors and the first operations on them: wait for readiness, read, write. Sockets,
// pipes and files are made of this.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "weft/detail/io_operation.hpp"
#include "weft/task.hpp"

namespace weft::inline v0 {

namespace detail {

class WEFT_API readiness_operation final
    : public awaitable_operation<readiness_operation, void, io_operation> {
 public:
  readiness_operation(int descriptor, interest wanted) noexcept
      : awaitable_operation(wanted == interest::read ? "readable" : "writable", descriptor, wanted,
                            ownership::borrowed) {}
  bool prepare(io_uring_sqe& entry) const noexcept override;
  int perform() noexcept override;
  void value() const noexcept {}
};

struct descriptor_access;

[[noreturn]] WEFT_API void abort_taken_in_use(int fd) noexcept;

}  // namespace detail

// Waits until a read (a write) of `fd` would not block, or would fail. For foreign libraries that
// do their own input and output. Borrows the descriptor until completion. Throws std::system_error
// (bad descriptor) or cancelled. See poll(2), POLLIN and POLLOUT.
[[nodiscard]] inline detail::readiness_operation readable(int fd) noexcept {
  return {fd, detail::interest::read};
}
[[nodiscard]] inline detail::readiness_operation writable(int fd) noexcept {
  return {fd, detail::interest::write};
}

// An owned descriptor of a pipe, terminal or other stream. Belongs to the loop it is first used on,
// and stays where it is while an operation on it is in flight.
// One read and one write may be in flight at a time; a second one at once is a bug of the caller
// and throws std::logic_error (a debug build aborts).
class WEFT_API descriptor {
 public:
  descriptor() noexcept = default;
  descriptor(descriptor&& other) noexcept : fd_(other.taken()) {}
  descriptor& operator=(descriptor&& other) noexcept {
    if (this != &other) {
      close_now();
      fd_ = other.taken();
      used_on_ = nullptr;
    }
    return *this;
  }
  ~descriptor() { close_now(); }

  // Takes over an open descriptor. On epoll it is made non-blocking when first used.
  static descriptor adopt(int fd) noexcept {
    descriptor adopted;
    adopted.fd_ = fd;
    return adopted;
  }

  // Gives the descriptor up, open; nothing may be in flight on it.
  int release() noexcept;

  [[nodiscard]] int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

  class read_operation;
  class write_operation;

  // Reads what is there, at most `buffer.size()` bytes, waiting for the first; yields how many, 0
  // at end of file or for an empty buffer. Borrows `buffer` until completion, also after a
  // cancellation. Throws std::system_error, or cancelled, which loses no byte. See read(2).
  [[nodiscard]] read_operation read_some(std::span<std::byte> buffer);

  // Writes what fits, waiting for room for the first byte; yields how many. Borrows `bytes` until
  // completion. Throws std::system_error (EPIPE when nobody reads; no SIGPIPE), or cancelled, which
  // wrote nothing. See write(2).
  [[nodiscard]] write_operation write_some(std::span<std::byte const> bytes);

  // Closes it. What is in flight on it ends with ECANCELED.
  void close();

 private:
  friend detail::descriptor_access;

  int close_now() noexcept;  // 0 or -errno

  int taken() noexcept {
    if (reading_ != nullptr || writing_ != nullptr) [[unlikely]]
      detail::abort_taken_in_use(fd_);
    return std::exchange(fd_, -1);
  }

  int fd_ = -1;
  detail::io_operation* reading_ = nullptr;
  detail::io_operation* writing_ = nullptr;
  void const* used_on_ = nullptr;  // the loop
};

class WEFT_API descriptor::read_operation final
    : public detail::awaitable_operation<read_operation, std::size_t, detail::io_operation> {
 public:
  read_operation(descriptor& from, std::span<std::byte> buffer);
  bool prepare(io_uring_sqe& entry) const noexcept override;
  int perform() noexcept override;
  std::size_t value() const noexcept {
    count_read(static_cast<std::size_t>(result_));
    return static_cast<std::size_t>(result_);
  }

 private:
  std::span<std::byte> buffer_;
};

class WEFT_API descriptor::write_operation final
    : public detail::awaitable_operation<write_operation, std::size_t, detail::io_operation> {
 public:
  write_operation(descriptor& to, std::span<std::byte const> bytes);
  bool prepare(io_uring_sqe& entry) const noexcept override;
  int perform() noexcept override;
  std::size_t value() const noexcept {
    count_written(static_cast<std::size_t>(result_));
    return static_cast<std::size_t>(result_);
  }

 private:
  std::span<std::byte const> bytes_;
};

namespace detail {

// Makes an operation the one that reads, or writes, the descriptor.
struct descriptor_access {
  static void claim(descriptor& of, io_operation& by) {
    by.claim(by.wants == interest::read ? of.reading_ : of.writing_);
    if (by.wants != interest::none)  // which the backend does not come to see
      by.first_use = std::exchange(of.used_on_, current_loop) != current_loop;
  }
};

}  // namespace detail

// The two ends of a new pipe, close-on-exec. Throws std::system_error. See pipe2(2).
struct pipe_ends {
  descriptor read;
  descriptor write;
};
WEFT_API pipe_ends make_pipe();

}  // namespace weft::inline v0
