// See weft/detail/message_socket.hpp.
#include "weft/detail/message_socket.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "memory_file.hpp"
#include "socket_message.hpp"
#include "weft/error.hpp"

namespace weft::inline v0::detail {

namespace {

enum class place : std::uint8_t { behind, in_file };

using scratch = std::array<std::byte, message_socket::inline_bytes_max + 1>;

// Made when it is first needed, by threads that send or receive.
scratch& scratch_for_sending() {
  thread_local auto const memory = std::make_unique<scratch>();
  return *memory;
}
scratch& scratch_for_receiving() {
  thread_local auto const memory = std::make_unique<scratch>();
  return *memory;
}

}  // namespace

message_socket::message_socket(message_socket const& other) {
  if (!other) return;
  int const fd = ::fcntl(other.get(), F_DUPFD_CLOEXEC, 0);
  if (fd < 0) throw_system_error(errno, "copy an end of a queue");
  socket_ = descriptor::adopt(fd);
}

message_socket message_socket::adopt(int fd) noexcept {
  message_socket adopted;
  adopted.socket_ = descriptor::adopt(fd);
  return adopted;
}

std::pair<message_socket, message_socket> message_socket::make_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw_system_error(errno, "socketpair for a queue");
  return {adopt(ends[0]), adopt(ends[1])};
}

byte_sink message_socket::sink() {
  return byte_sink(std::span(scratch_for_sending()).first<inline_bytes_max>());
}

message_socket::send_operation message_socket::send(byte_sink const& values) {
  return {socket_, values};
}

message_socket::receive_operation message_socket::receive() { return receive_operation(socket_); }

// ---- Sending.

message_socket::send_operation::send_operation(descriptor& to, byte_sink const& values)
    : tried_operation("put", to.get(), interest::write, ownership::owned_socket),
      values_(values.bytes()) {
  if (!values.fits()) file_ = make_memory_file("weft-values", values_);
  try {
    descriptor_access::claim(to, *this);
  } catch (...) {
    if (file_ >= 0) ::close(file_);
    throw;
  }
}

message_socket::send_operation::~send_operation() {
  if (file_ >= 0) ::close(file_);
}

// Others may encode while it waits, so what it sends is then its own.
bool message_socket::send_operation::start() noexcept {
  if (!first_use) {
    result_ = perform();
    if (result_ != -EAGAIN) return true;
  }
  if (file_ < 0) {
    kept_.assign(values_.begin(), values_.end());
    values_ = kept_;
  }
  tried = !first_use;
  return io_operation::start();
}

int message_socket::send_operation::perform() noexcept {
  place const where = file_ < 0 ? place::behind : place::in_file;
  auto const head = std::as_bytes(std::span(&where, 1));
  int const error = file_ < 0 ? send_message(fd, head, values_, {}, MSG_DONTWAIT)
                              : send_message(fd, head, {}, std::span(&file_, 1), MSG_DONTWAIT);
  // The other end was closed with messages in it that nobody has received.
  if (error == ECONNRESET) return -EPIPE;
  return -error;
}

// ---- Receiving.

message_socket::receive_operation::receive_operation(descriptor& from)
    : tried_operation("get", from.get(), interest::read, ownership::owned_socket) {
  descriptor_access::claim(from, *this);
}

message_socket::receive_operation::~receive_operation() {
  if (mapped_ != nullptr) ::munmap(mapped_, values_.size());
  if (file_ >= 0) ::close(file_);
}

int message_socket::receive_operation::perform() noexcept {
  auto& memory = scratch_for_receiving();
  std::vector<int> files;
  auto const message = receive_message(fd, memory, files, MSG_DONTWAIT);
  if (message.size < 0) return message.error == ECONNRESET ? 0 : -message.error;
  if (message.size == 0) return 0;
  for (int const file : files) {
    if (file_ < 0)
      file_ = file;
    else
      ::close(file);
  }
  if (message.descriptors_lost) return -EMFILE;
  try {
    received_.assign(memory.begin(), memory.begin() + message.size);
  } catch (std::bad_alloc const&) {
    return -ENOMEM;
  }
  return static_cast<int>(message.size);
}

bool message_socket::receive_operation::value() {
  if (result_ == 0) return false;
  if (received_.front() == std::byte{static_cast<std::uint8_t>(place::behind)}) {
    values_ = std::span(received_).subspan(1);
    return true;
  }
  auto const [at, size] = map_memory_file(file_);
  mapped_ = at;
  values_ = {static_cast<std::byte const*>(at), size};
  return true;
}

}  // namespace weft::inline v0::detail
