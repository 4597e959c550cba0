// One end of a connection that carries values between processes: each message whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "weft/descriptor.hpp"
#include "weft/detail/codec.hpp"

namespace weft::inline v0::detail {

// A message begins with a byte that says where the values are: behind it, or, when they are larger
// than `inline_bytes_max`, in a memfd(2) that comes along.
class WEFT_API message_socket {
 public:
  static constexpr std::size_t inline_bytes_max = 65'536 - 1;

  message_socket() noexcept = default;
  message_socket(message_socket&&) noexcept = default;
  message_socket& operator=(message_socket&&) noexcept = default;
  ~message_socket() = default;

  // Another descriptor of the same end. Throws std::system_error.
  message_socket(message_socket const& other);
  message_socket& operator=(message_socket const& other) {
    if (this != &other) *this = message_socket(other);
    return *this;
  }

  static message_socket adopt(int fd) noexcept;
  static std::pair<message_socket, message_socket> make_pair();

  explicit operator bool() const noexcept { return static_cast<bool>(socket_); }
  [[nodiscard]] int get() const noexcept { return socket_.get(); }
  void close() { socket_.close(); }

  class send_operation;
  class receive_operation;

  // Sends what the sink holds, which is borrowed until the operation is awaited; that must be at
  // once, with nothing else encoded on this thread before. Throws std::system_error (EPIPE when
  // nobody can receive any more), or cancelled, and then nothing was sent.
  [[nodiscard]] send_operation send(byte_sink const& values);

  // Receives a message, into memory of the operation; false at the end, when nobody can send any
  // more. Throws std::system_error, or cancelled, which loses no message.
  [[nodiscard]] receive_operation receive();

  // Where values are encoded before they are sent: memory of this thread.
  static byte_sink sink();

 private:
  descriptor socket_;
};

class WEFT_API message_socket::send_operation final
    : public tried_operation<send_operation, void, io_operation> {
 public:
  send_operation(descriptor& to, byte_sink const& values);
  ~send_operation();

  bool start() noexcept;
  int perform() noexcept override;
  void value() const noexcept {}

 private:
  std::span<std::byte const> values_;
  std::vector<std::byte> kept_;  // while it waits
  int file_ = -1;
};

class WEFT_API message_socket::receive_operation final
    : public tried_operation<receive_operation, bool, io_operation> {
 public:
  explicit receive_operation(descriptor& from);
  ~receive_operation();

  int perform() noexcept override;
  bool value();

  // What came, valid as long as the operation.
  [[nodiscard]] std::span<std::byte const> values() const noexcept { return values_; }

 private:
  std::span<std::byte const> values_;
  std::vector<std::byte> received_;
  void* mapped_ = nullptr;
  int file_ = -1;
};

}  // namespace weft::inline v0::detail
