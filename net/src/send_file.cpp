// From a file to a socket by sendfile(2). The call may wait for the file's device, so the blocking
// pool makes it; since the socket is non-blocking, it does not wait for the peer: that is done by
// the loop, which knows when there is room again.
#include <fcntl.h>
#include <poll.h>
#include <sys/sendfile.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "transfer.hpp"
#include "weft/error.hpp"
#include "weft/file.hpp"
#include "weft/net/stream_socket.hpp"
#include "weft/stream.hpp"

namespace weft::inline v0::net {

namespace {

// A number for the same socket that stays its own while a thread of the pool uses it, whoever
// closes the other meanwhile.
descriptor second_number(int fd) {
  int const flags = ::fcntl(fd, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  int const second = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (second < 0) detail::throw_system_error(errno, fmt::format("write fd {}", fd));
  return descriptor::adopt(second);
}

// How much of a file is sent in one step, at the end of which a cancellation is seen.
constexpr std::size_t step_bytes = 4 << 20;

enum class step : unsigned char {
  sent_some,
  at_end,   // of the file
  no_room,  // in the socket
  refused,  // the kernel does not send this kind of file
};

// Sends some of the file, from its position on.
class send_step final
    : public detail::awaitable_operation<send_step, step, stream_socket::operation_on> {
 public:
  send_step(stream_socket& to, int number, file& from)
      : awaitable_operation("write", to, detail::interest::none), number_(number), from_(from) {}

  int perform() noexcept override {
    auto offset = static_cast<off_t>(from_.position());
    int const result = detail::result_of(::sendfile(number_, from_.get(), &offset, step_bytes));
    ended_ = step::sent_some;
    if (result == 0) ended_ = step::at_end;
    if (result == -EAGAIN) ended_ = step::no_room;
    if (result == -EINVAL || result == -ENOSYS) ended_ = step::refused;
    return ended_ == step::no_room || ended_ == step::refused ? 0 : result;
  }

  step value() {
    from_.seek(from_.position() + static_cast<std::uint64_t>(result_));
    if (!has_place()) detail::throw_system_error(ECANCELED, "write a socket that was closed");
    has_written(static_cast<std::size_t>(result_));
    return ended_;
  }

 private:
  int number_;
  file& from_;
  step ended_ = step::sent_some;
};

// Waits for room in the socket, or for its failure.
class room_operation final
    : public detail::awaitable_operation<room_operation, void, stream_socket::operation_on> {
 public:
  explicit room_operation(stream_socket& in)
      : awaitable_operation("write", in, detail::interest::write) {}

  int perform() noexcept override {
    pollfd asked{.fd = fd, .events = POLLOUT, .revents = 0};
    int const count = ::poll(&asked, 1, 0);
    return count == 0 ? -EAGAIN : detail::result_of(count);
  }
  void value() const noexcept {}
};

// For the kinds of file that the kernel does not send. What was written is behind the position.
task<> send_through_buffer(file& from, stream_socket& to) {
  std::vector<std::byte> buffer(65'536);
  while (std::size_t const count = co_await from.read_at(buffer, from.position())) {
    for (auto left = std::span<std::byte const>(buffer).first(count); !left.empty();) {
      std::size_t const written = detail::some(co_await to.write_some(left));
      left = left.subspan(written);
      from.seek(from.position() + written);
    }
  }
}

}  // namespace

task<std::uint64_t> stream_socket::send_file(file& from) {
  std::uint64_t const first = from.position();
  try {
    descriptor const number = second_number(get());
    for (step last = step::sent_some; last != step::at_end && last != step::refused;) {
      last = co_await send_step(*this, number.get(), from);
      if (last == step::no_room) co_await room_operation(*this);
      if (last == step::refused) co_await send_through_buffer(from, *this);
    }
  } catch (...) {
    detail::rethrow_with(static_cast<std::size_t>(from.position() - first));
  }
  co_return from.position() - first;
}

}  // namespace weft::inline v0::net
