// The operations on connected stream sockets. Reads have a ring form; writes are tried at once,
// which is cheaper than a ring entry, and wait for readiness only after EAGAIN.
#include "weft/net/stream_socket.hpp"

#include <liburing.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>

#include <fmt/format.h>

#include "socket_calls.hpp"
#include "transfer.hpp"
#include "weft/error.hpp"

namespace weft::inline v0::net {

namespace {

using detail::buffer_pool;
using detail::interest;
using detail::length_of;
using detail::result_of;

constexpr std::size_t pieces_max = 16;

int receive(int fd, std::span<std::byte> into) noexcept {
  return detail::receive_now(fd, into.data(), length_of(into.size()));
}

int send(int fd, std::span<std::byte const> bytes) noexcept {
  return detail::send_now(fd, bytes.data(), length_of(bytes.size()));
}

// Fills in what the system call wants to see, and yields it with the number of bytes.
struct piece_list {
  std::array<iovec, pieces_max> pieces{};
  msghdr message{};
  std::size_t bytes = 0;

  template <class Byte>
  explicit piece_list(std::span<std::span<Byte> const> from) noexcept {
    std::size_t count = 0;
    for (auto const piece : from.first(std::min(from.size(), pieces_max))) {
      std::size_t const length =
          std::min(piece.size(), std::size_t{length_of(~std::size_t{0})} - bytes);
      // sendmsg(2) does not write through the pointer.
      pieces[count++] = {const_cast<std::byte*>(piece.data()), length};
      bytes += length;
    }
    message.msg_iov = pieces.data();
    message.msg_iovlen = count;
  }
  piece_list(piece_list const&) = delete;
  piece_list& operator=(piece_list const&) = delete;
};

}  // namespace

void stream_socket::operation_on::refuse_torn() const {
  throw std::logic_error(
      fmt::format("weft: {} after a write_all that was cut short; close the stream instead",
                  operation_on::describe()));
}

bool stream_socket::read_operation::prepare(io_uring_sqe& entry) const noexcept {
  ::io_uring_prep_recv(&entry, fd, nullptr, 0, 0);
  entry.flags |= IOSQE_BUFFER_SELECT;
  entry.buf_group = buffer_pool::ring_group;
  if (socket_.drained_) entry.ioprio |= IORING_RECVSEND_POLL_FIRST;
  return true;
}

int stream_socket::read_operation::perform() noexcept {
  buffer_pool& pool = *awaiting->within->loop->buffers;
  std::uint16_t const taken = pool.take();
  if (taken == buffer_pool::none) return -ENOMEM;
  constexpr std::size_t wanted = buffer_pool::buffer_size;
  int const result = has_received(receive(fd, {pool.at(taken), wanted}), wanted);
  if (result > 0)
    buffer = taken;
  else
    pool.give_back(taken);
  return result;
}

// A Unix socket would wait before it reads nothing.
bool stream_socket::read_some_operation::prepare(io_uring_sqe& entry) const noexcept {
  if (buffer_.empty()) return false;
  ::io_uring_prep_recv(&entry, fd, buffer_.data(), length_of(buffer_.size()), 0);
  if (socket_.drained_) entry.ioprio |= IORING_RECVSEND_POLL_FIRST;
  return true;
}

int stream_socket::read_some_operation::perform() noexcept {
  if (buffer_.empty()) return 0;
  return has_received(receive(fd, buffer_), length_of(buffer_.size()));
}

stream_socket::read_vector_operation::read_vector_operation(
    stream_socket& socket, std::span<std::span<std::byte> const> buffers)
    : awaitable_operation("read", socket, interest::read), buffers_(buffers) {}

int stream_socket::read_vector_operation::perform() noexcept {
  piece_list into(buffers_);
  if (into.bytes == 0) return 0;
  return has_received(result_of(::recvmsg(fd, &into.message, MSG_DONTWAIT)), into.bytes);
}

std::size_t stream_socket::read_vector_operation::value() noexcept {
  has_read();
  return static_cast<std::size_t>(result_);
}

stream_socket::write_some_operation::write_some_operation(stream_socket& socket,
                                                          std::span<std::byte const> bytes)
    : tried_operation("write", socket, interest::write), bytes_(bytes) {}

int stream_socket::write_some_operation::perform() noexcept { return send(fd, bytes_); }

std::size_t stream_socket::write_some_operation::value() noexcept {
  has_written(static_cast<std::size_t>(result_));
  return static_cast<std::size_t>(result_);
}

stream_socket::write_vector_operation::write_vector_operation(
    stream_socket& socket, std::span<std::span<std::byte const> const> pieces)
    : tried_operation("write", socket, interest::write), pieces_(pieces) {}

int stream_socket::write_vector_operation::perform() noexcept {
  piece_list from(pieces_);
  return result_of(::sendmsg(fd, &from.message, MSG_DONTWAIT | MSG_NOSIGNAL));
}

std::size_t stream_socket::write_vector_operation::value() noexcept {
  has_written(static_cast<std::size_t>(result_));
  return static_cast<std::size_t>(result_);
}

int stream_socket::writing_all::perform() noexcept {
  while (done_ < bytes_.size()) {
    int const result = send(fd, bytes_.subspan(done_));
    if (result < 0) return result;
    done_ += static_cast<std::size_t>(result);
  }
  return 0;
}

void stream_socket::writing_all::fail_with_bytes_done() const {
  if (ended_by_cancellation()) throw cancelled(done_);
  throw transfer_error(std::error_code(-result_, std::system_category()), describe(), done_);
}

stream_socket::read_vector_operation stream_socket::read_some(
    std::span<std::span<std::byte> const> buffers) {
  return {*this, buffers};
}

stream_socket::write_some_operation stream_socket::write_some(std::span<std::byte const> bytes) {
  return {*this, bytes};
}

stream_socket::write_vector_operation stream_socket::write_some(
    std::span<std::span<std::byte const> const> pieces) {
  return {*this, pieces};
}

void stream_socket::shutdown_write() {
  if (::shutdown(get(), SHUT_WR) != 0)
    detail::throw_system_error(errno, fmt::format("shutdown fd {}", get()));
}

void stream_socket::reset() {
  linger const at_once{.l_onoff = 1, .l_linger = 0};
  if (::setsockopt(get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) != 0)
    detail::throw_system_error(errno, fmt::format("reset fd {}", get()));
  close();
}

}  // namespace weft::inline v0::net
