// A connection as two owned halves, so that one task reads while another writes. They share the
// socket, and their operations are the socket's own.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "weft/net/stream_socket.hpp"

namespace weft::inline v0::net {

struct stream_halves;

// A share of a socket, which closes when both halves are gone. Move-only; both halves belong to the
// loop that the socket is first used on. An operation in flight is on the socket, so it is no bar
// to moving the half. An empty half, such as one moved from, throws std::logic_error when it is
// used.
class WEFT_API stream_half {
 public:
  // The socket's descriptor, borrowed; -1 for an empty half.
  [[nodiscard]] int get() const noexcept { return socket_ ? socket_->get() : -1; }
  explicit operator bool() const noexcept { return socket_ != nullptr; }

 protected:
  stream_half() noexcept = default;
  explicit stream_half(std::shared_ptr<stream_socket> shared) noexcept
      : socket_(std::move(shared)) {}
  stream_half(stream_half&&) noexcept = default;
  stream_half& operator=(stream_half&&) noexcept = default;
  ~stream_half() = default;

  [[nodiscard]] stream_socket& socket() const {
    if (!socket_) [[unlikely]]
      refuse_empty();
    return *socket_;
  }

  std::shared_ptr<stream_socket> socket_;

 private:
  [[noreturn]] static void refuse_empty();
};

// The half that reads. Its functions are those of stream_socket. When it is destroyed, writing goes
// on, and so does a read in flight until the socket closes, which ends it with ECANCELED.
class WEFT_API read_half : public stream_half {
 public:
  read_half() noexcept = default;

  [[nodiscard]] stream_socket::read_operation read() { return socket().read(); }
  [[nodiscard]] stream_socket::read_some_operation read_some(std::span<std::byte> buffer) {
    return socket().read_some(buffer);
  }
  [[nodiscard]] stream_socket::read_vector_operation read_some(
      std::span<std::span<std::byte> const> buffers) {
    return socket().read_some(buffers);
  }

 private:
  friend stream_halves split(stream_socket&& stream);
  explicit read_half(std::shared_ptr<stream_socket> shared) noexcept
      : stream_half(std::move(shared)) {}
};

// The half that writes. Its functions are those of stream_socket. When it is destroyed or assigned
// to, it shuts writing down: the peer reads what was written, then the end of the stream. Errors of
// that are ignored, since the peer may be gone. A write in flight then fails with EPIPE or, if the
// socket closes, ends with ECANCELED.
class WEFT_API write_half : public stream_half {
 public:
  write_half() noexcept = default;
  write_half(write_half&&) noexcept = default;
  write_half& operator=(write_half other) noexcept {
    std::swap(socket_, other.socket_);
    return *this;
  }
  ~write_half();

  [[nodiscard]] stream_socket::write_some_operation write_some(std::span<std::byte const> bytes) {
    return socket().write_some(bytes);
  }
  [[nodiscard]] stream_socket::write_vector_operation write_some(
      std::span<std::span<std::byte const> const> pieces) {
    return socket().write_some(pieces);
  }
  [[nodiscard]] stream_socket::write_all_operation write_all(std::span<std::byte const> bytes) {
    return socket().write_all(bytes);
  }
  void shutdown_write() { socket().shutdown_write(); }

 private:
  friend stream_halves split(stream_socket&& stream);
  explicit write_half(std::shared_ptr<stream_socket> shared) noexcept
      : stream_half(std::move(shared)) {}
};

struct stream_halves {
  read_half reader;
  write_half writer;
};

// Takes the stream over, with nothing in flight on it, and yields its halves; options of the stream
// are to be set before. To end the stream for the peer when a task ends, let the write half be a
// local variable there: what is a parameter or a capture lasts as long as the task's frame, which a
// join_handle, and when_all until its last task has ended, keep. Throws std::bad_alloc, and then
// the stream is as before.
[[nodiscard]] inline stream_halves split(stream_socket&& stream) {
  auto shared = std::make_shared<stream_socket>(std::move(stream));
  return {read_half(shared), write_half(std::move(shared))};
}

}  // namespace weft::inline v0::net
