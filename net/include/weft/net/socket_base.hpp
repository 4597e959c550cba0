// What every kind of socket has: a descriptor that it owns, and operations that are named after it.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "weft/descriptor.hpp"

namespace weft::inline v0 {

namespace net {

// An owned socket of any kind. Belongs to the loop it is first used on, and stays where it is while
// an operation on it is in flight.
class WEFT_API socket_base {
 public:
  // Closes it, without waiting for anybody. What is in flight on it ends with ECANCELED. Nothing
  // happens when it is not open. Throws std::system_error, when it is closed all the same.
  void close() { descriptor_.close(); }

  // Gives the descriptor up, open; nothing may be in flight on it.
  int release() noexcept { return descriptor_.release(); }

  [[nodiscard]] int get() const noexcept { return descriptor_.get(); }
  explicit operator bool() const noexcept { return static_cast<bool>(descriptor_); }

  // The sizes of the kernel's buffers (SO_SNDBUF, SO_RCVBUF), which it doubles for its own use and
  // limits by net.core.wmem_max and rmem_max. Throw std::system_error. See socket(7).
  void set_send_buffer_size(std::size_t bytes);
  void set_receive_buffer_size(std::size_t bytes);

 protected:
  socket_base() noexcept = default;
  explicit socket_base(descriptor&& opened) noexcept : descriptor_(std::move(opened)) {}
  socket_base(socket_base&&) noexcept = default;
  socket_base& operator=(socket_base&&) noexcept = default;
  ~socket_base() = default;

  descriptor descriptor_;
};

}  // namespace net

namespace detail {

// An operation on a socket, which it has to itself in its direction.
class WEFT_API socket_operation : public io_operation {
 public:
  socket_operation(char const* name, descriptor& socket, interest wanted)
      : io_operation(name, socket.get(), wanted, ownership::owned_socket) {
    descriptor_access::claim(socket, *this);
  }

  // "read fd 7 127.0.0.1:80", with the peer's address while the kernel knows it.
  [[nodiscard]] std::string describe() const override;

 protected:
  ~socket_operation() = default;
};

}  // namespace detail

}  // namespace weft::inline v0
