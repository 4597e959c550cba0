// The operations on descriptors: the ring form and the plain form of each, side by side.
#include "weft/descriptor.hpp"

#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <stdexcept>

#include <fmt/format.h>

#include "fatal.hpp"
#include "loop.hpp"
#include "transfer.hpp"
#include "weft/error.hpp"

namespace weft::inline v0 {

namespace detail {

bool io_operation::prepare(io_uring_sqe&) const noexcept { return false; }

std::string io_operation::describe() const { return fmt::format("{} fd {}", name(), fd); }

void io_operation::cancel() noexcept {
  loop_core& home = *awaiting->within->loop;
  require_thread_of(home, name());
  loop::of(home).cancel(*this);
}

bool readiness_operation::prepare(io_uring_sqe& entry) const noexcept {
  ::io_uring_prep_poll_add(&entry, fd, wants == interest::read ? POLLIN : POLLOUT);
  return true;
}

int readiness_operation::perform() noexcept {
  if (fd < 0) return -EBADF;  // which poll(2) would ignore
  short const events = wants == interest::read ? POLLIN : POLLOUT;
  pollfd asked{.fd = fd, .events = events, .revents = 0};
  int const count = ::poll(&asked, 1, 0);
  if (count < 0) return -errno;
  if (count == 0) return -EAGAIN;
  return (asked.revents & POLLNVAL) != 0 ? -EBADF : asked.revents;
}

void io_operation::refuse_second() const {
  auto const message = fmt::format("weft: two {}s at once on fd {}", name(), fd);
#ifndef NDEBUG
  fatal(message);
#else
  throw std::logic_error(message);
#endif
}

void abort_taken_in_use(int fd) noexcept {
  fatal(
      fmt::format("weft: fd {} was moved or released while an operation on it was in flight", fd));
}

}  // namespace detail

descriptor::read_operation::read_operation(descriptor& from, std::span<std::byte> buffer)
    : awaitable_operation("read", from.fd_, detail::interest::read), buffer_(buffer) {
  detail::descriptor_access::claim(from, *this);
}

bool descriptor::read_operation::prepare(io_uring_sqe& entry) const noexcept {
  ::io_uring_prep_read(&entry, fd, buffer_.data(), detail::length_of(buffer_.size()),
                       static_cast<std::uint64_t>(-1));
  return true;
}

int descriptor::read_operation::perform() noexcept {
  return detail::result_of(::read(fd, buffer_.data(), detail::length_of(buffer_.size())));
}

descriptor::write_operation::write_operation(descriptor& to, std::span<std::byte const> bytes)
    : awaitable_operation("write", to.fd_, detail::interest::write), bytes_(bytes) {
  detail::descriptor_access::claim(to, *this);
}

bool descriptor::write_operation::prepare(io_uring_sqe& entry) const noexcept {
  ::io_uring_prep_write(&entry, fd, bytes_.data(), detail::length_of(bytes_.size()),
                        static_cast<std::uint64_t>(-1));
  return true;
}

// The standard streams stay blocking; of a pipe that has room, this much is certain to fit.
int descriptor::write_operation::perform() noexcept {
  std::size_t const fits = fd <= STDERR_FILENO ? PIPE_BUF : bytes_.size();
  return detail::result_of(
      ::write(fd, bytes_.data(), detail::length_of(std::min(fits, bytes_.size()))));
}

descriptor::read_operation descriptor::read_some(std::span<std::byte> buffer) {
  return {*this, buffer};
}

descriptor::write_operation descriptor::write_some(std::span<std::byte const> bytes) {
  return {*this, bytes};
}

int descriptor::release() noexcept {
  int const released = taken();
  if (released >= 0 && detail::current_loop != nullptr)
    detail::loop::of(*detail::current_loop).kernel().forget(released);
  return released;
}

void descriptor::close() {
  int const closing = fd_;
  if (int const result = close_now(); result < 0)
    detail::throw_system_error(-result, fmt::format("close fd {}", closing));
}

int descriptor::close_now() noexcept {
  if (fd_ < 0) return 0;
  for (detail::io_operation* const op : {reading_, writing_})
    if (op != nullptr) op->abandon();
  int const closing = std::exchange(fd_, -1);
  if (detail::current_loop != nullptr)
    return detail::loop::of(*detail::current_loop).kernel().close(closing);
  return ::close(closing) == 0 ? 0 : -errno;
}

pipe_ends make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) detail::throw_system_error(errno, "pipe2");
  return {descriptor::adopt(ends[0]), descriptor::adopt(ends[1])};
}

}  // namespace weft::inline v0
