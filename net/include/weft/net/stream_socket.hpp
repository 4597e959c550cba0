// A connected stream socket: what TCP and Unix streams have in common. Reads wait in the kernel,
// on io_uring without a buffer; writes are tried at once and wait only when the socket is full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "weft/buffer.hpp"
#include "weft/net/socket_base.hpp"
#include "weft/task.hpp"

namespace weft::inline v0 {
class file;
}

namespace weft::inline v0::net {

// How many bytes went through the sockets that count in it.
struct traffic {
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
};

// One read and one write may be in flight at a time; a second one at once is a bug of the
// caller and throws std::logic_error (a debug build aborts). Every operation resumes on the loop's
// thread; it throws cancelled, or std::system_error with its name and, while the kernel still knows
// it, the peer's ("read fd 7 127.0.0.1:80: ..."). SIGPIPE is never raised.
class WEFT_API stream_socket : public socket_base {
 public:
  class operation_on;
  class read_operation;
  class read_some_operation;
  class read_vector_operation;
  class write_some_operation;
  class write_all_operation;
  class write_vector_operation;

  stream_socket() noexcept = default;

  // Waits for bytes and yields them in a buffer of the loop's, at most buffer::capacity; an empty
  // one at the end of the stream. While it waits it holds no buffer. Cancelled, it loses no byte.
  // Throws std::bad_alloc when there is no buffer: a loop has at most 65,472 of them, a gigabyte.
  // See recv(2).
  [[nodiscard]] read_operation read();

  // Reads what is there into `buffer`, waiting for the first byte; yields how many bytes, 0 at the
  // end of the stream or for an empty buffer. Borrows `buffer` until completion, also after a
  // cancellation, which loses no byte. See recv(2).
  [[nodiscard]] read_some_operation read_some(std::span<std::byte> buffer);

  // The same into several buffers, one after the other; of more than 16, into the first 16. Borrows
  // the list, too.
  [[nodiscard]] read_vector_operation read_some(std::span<std::span<std::byte> const> buffers);

  // Writes what fits, waiting for room for the first byte; yields how many bytes. Borrows `bytes`
  // until completion. Cancelled, it wrote nothing. See send(2).
  [[nodiscard]] write_some_operation write_some(std::span<std::byte const> bytes);

  // The same of several pieces, as if they were one; of more than 16, the first 16. Borrows the
  // list, too.
  [[nodiscard]] write_vector_operation write_some(
      std::span<std::span<std::byte const> const> pieces);

  // Writes all of it. Borrows `bytes` until completion. Throws transfer_error, or cancelled, whose
  // bytes_done() says how many were written. After some but not all of them, every later write
  // throws std::logic_error, since what the peer has got is torn.
  [[nodiscard]] write_all_operation write_all(std::span<std::byte const> bytes);

  // Writes the file from its position to its end, without taking its bytes into this process;
  // yields how many there were, and leaves the position behind them. Each step is done by the
  // blocking pool, which waits for the device but not for the peer. Borrows the file, of which
  // nothing else may move the position, until the task ends. Throws transfer_error, or cancelled;
  // bytes_done() says how many bytes were written, and the position is behind those. See
  // sendfile(2).
  task<std::uint64_t> send_file(file& from);

  // Tells the peer that no more will be written; it reads the end of the stream. Reading goes on.
  // Does not wait. Throws std::system_error. See shutdown(2).
  void shutdown_write();

  // Closes it so that the peer reads ECONNRESET, and what was not sent yet is thrown away; a Unix
  // socket it only closes. Throws std::system_error: EBADF when it is not open. See socket(7),
  // SO_LINGER.
  void reset();

  // From now on its bytes are counted there. Borrowed until the socket, wherever it has been moved
  // to, is closed.
  void count_in(traffic& counted) noexcept { traffic_ = &counted; }

 protected:
  class writing_all;

  // What a read that comes short of its buffer says of the socket.
  enum class short_read : bool { may_leave_more, leaves_nothing };

  stream_socket(descriptor&& connected, short_read told) noexcept
      : socket_base(std::move(connected)), short_read_(told) {}

 private:
  void has_read(std::size_t bytes, bool drained) noexcept {
    drained_ = drained;
    if (traffic_ != nullptr) traffic_->bytes_read += bytes;
  }
  void has_written(std::size_t bytes) noexcept {
    if (traffic_ != nullptr) traffic_->bytes_written += bytes;
  }

  traffic* traffic_ = nullptr;
  short_read short_read_ = short_read::may_leave_more;
  bool drained_ = false;  // the last read left nothing behind
  bool torn_ = false;     // a write_all was cut short
};

// What the operations share.
class WEFT_API stream_socket::operation_on : public detail::socket_operation {
 protected:
  operation_on(char const* name, stream_socket& socket, detail::interest wanted)
      : socket_operation(name, socket.descriptor_, wanted), socket_(socket) {
    if (wanted != detail::interest::read && socket.torn_) [[unlikely]]
      refuse_torn();
  }
  ~operation_on() = default;

  // For perform(): what a read yielded, of how much was wanted.
  int has_received(int result, std::size_t wanted) noexcept {
    drained = result > 0 && static_cast<std::size_t>(result) < wanted &&
              socket_.short_read_ == short_read::leaves_nothing;
    return result;
  }

  // For what the socket keeps; it may have been closed and be gone.
  void has_read() noexcept {
    count_read(static_cast<std::size_t>(result_));
    if (has_place()) socket_.has_read(static_cast<std::size_t>(result_), drained);
  }
  void has_written(std::size_t bytes) noexcept {
    count_written(bytes);
    if (has_place()) socket_.has_written(bytes);
  }

  stream_socket& socket_;

 private:
  [[noreturn]] void refuse_torn() const;
};

class WEFT_API stream_socket::read_operation final
    : public detail::awaitable_operation<read_operation, buffer, operation_on> {
 public:
  explicit read_operation(stream_socket& socket)
      : awaitable_operation("read", socket, detail::interest::read) {}
  ~read_operation() {
    if (buffer != detail::buffer_pool::none) [[unlikely]]
      awaiting->within->loop->buffers->give_back(buffer);
  }
  bool prepare(io_uring_sqe& entry) const noexcept override;
  int perform() noexcept override;
  weft::buffer value() noexcept {
    has_read();
    if (result_ == 0) return {};
    return awaiting->within->loop->buffers->lease(std::exchange(buffer, detail::buffer_pool::none),
                                                  static_cast<std::size_t>(result_));
  }
};

class WEFT_API stream_socket::read_some_operation final
    : public detail::awaitable_operation<read_some_operation, std::size_t, operation_on> {
 public:
  read_some_operation(stream_socket& socket, std::span<std::byte> into)
      : awaitable_operation("read", socket, detail::interest::read), buffer_(into) {}
  bool prepare(io_uring_sqe& entry) const noexcept override;
  int perform() noexcept override;
  std::size_t value() noexcept {
    has_read();
    return static_cast<std::size_t>(result_);
  }

 private:
  std::span<std::byte> buffer_;
};

class WEFT_API stream_socket::read_vector_operation final
    : public detail::awaitable_operation<read_vector_operation, std::size_t, operation_on> {
 public:
  read_vector_operation(stream_socket& socket, std::span<std::span<std::byte> const> buffers);
  int perform() noexcept override;
  std::size_t value() noexcept;

 private:
  std::span<std::span<std::byte> const> buffers_;
};

class WEFT_API stream_socket::write_some_operation final
    : public detail::tried_operation<write_some_operation, std::size_t, operation_on> {
 public:
  write_some_operation(stream_socket& socket, std::span<std::byte const> bytes);
  int perform() noexcept override;
  std::size_t value() noexcept;

 private:
  std::span<std::byte const> bytes_;
};

class WEFT_API stream_socket::write_vector_operation final
    : public detail::tried_operation<write_vector_operation, std::size_t, operation_on> {
 public:
  write_vector_operation(stream_socket& socket, std::span<std::span<std::byte const> const> pieces);
  int perform() noexcept override;
  std::size_t value() noexcept;

 private:
  std::span<std::span<std::byte const> const> pieces_;
};

// A write that goes on until all is written, and takes note if it is cut short.
class WEFT_API stream_socket::writing_all : public operation_on {
 public:
  writing_all(stream_socket& socket, std::span<std::byte const> bytes)
      : operation_on("write", socket, detail::interest::write), bytes_(bytes) {}
  int perform() noexcept override;

 protected:
  ~writing_all() {
    if (done_ == 0) return;
    if (detail::current_loop != nullptr) detail::current_loop->bytes_written += done_;
    if (!has_place()) return;
    socket_.has_written(done_);
    if (done_ != bytes_.size()) [[unlikely]]
      socket_.torn_ = true;
  }

  [[noreturn]] void fail_with_bytes_done() const;

  std::span<std::byte const> bytes_;
  std::size_t done_ = 0;
};

class WEFT_API stream_socket::write_all_operation final
    : public detail::tried_operation<write_all_operation, void, writing_all> {
 public:
  write_all_operation(stream_socket& socket, std::span<std::byte const> bytes)
      : tried_operation(socket, bytes) {}
  void value() const noexcept {}

  void await_resume() {
    if (result_ < 0) [[unlikely]]
      fail_with_bytes_done();
  }
};

inline stream_socket::read_operation stream_socket::read() { return read_operation(*this); }

inline stream_socket::read_some_operation stream_socket::read_some(std::span<std::byte> buffer) {
  return {*this, buffer};
}

inline stream_socket::write_all_operation stream_socket::write_all(
    std::span<std::byte const> bytes) {
  return {*this, bytes};
}

}  // namespace weft::inline v0::net
