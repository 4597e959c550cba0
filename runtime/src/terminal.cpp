// The standard streams: what they are connected with decides how they are read and written without
// waiting, and without a change that others would see.
#include "weft/terminal.hpp"

#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>

#include <fmt/format.h>

#include "transfer.hpp"
#include "weft/error.hpp"

namespace weft::inline v0 {

namespace detail {

namespace {

// Of the standard numbers one that is close-on-exec was free at the start, and something of ours,
// or of a library, has got it.
bool is_given(int fd) noexcept {
  int const flags = ::fcntl(fd, F_GETFD);
  return flags >= 0 && (fd > STDERR_FILENO || (flags & FD_CLOEXEC) == 0);
}

bool is_pty_master(int fd) noexcept {
  unsigned number = 0;
  return ::ioctl(fd, TIOCGPTN, &number) == 0;
}

// The same pipe or terminal under a description of our own, which may be non-blocking. Not to be
// had without /proc, without the permission (after su), and when nobody reads the pipe any more.
// Opened anew, the master of a terminal would be that of another.
descriptor opened_anew(int fd, interest direction) {
  if (is_pty_master(fd)) return {};
  int const access = direction == interest::read ? O_RDONLY : O_WRONLY;
  return descriptor::adopt(::open(fmt::format("/proc/self/fd/{}", fd).c_str(),
                                  access | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
}

}  // namespace

standard_stream::standard_stream(int fd, interest direction) : shared_(fd) {
  struct stat found{};
  if (!is_given(fd) || ::fstat(fd, &found) != 0) return;
  is_terminal_ = ::isatty(fd) == 1;
  if (S_ISSOCK(found.st_mode)) {
    kind_ = kind::socket;
  } else if (S_ISFIFO(found.st_mode) || is_terminal_) {
    own_ = opened_anew(fd, direction);
    kind_ = own_ ? kind::own : kind::shared;
    is_pipe_ = !is_terminal_;
  } else if (S_ISCHR(found.st_mode) || (found.st_mode & S_IFMT) == 0) {
    kind_ = kind::shared;  // a device, or a descriptor of the kernel's own, has readiness
  } else {
    kind_ = kind::file;
  }
}

standard_stream::~standard_stream() {
  if (in_use_ != nullptr) in_use_->abandon();
}

// What reading and writing have in common: which descriptor, and what they wait for.
class shared_operation : public io_operation {
 public:
  shared_operation(char const* name, standard_stream& of, interest direction)
      : io_operation(name, descriptor_of(of),
                     of.kind_ == standard_stream::kind::file ? interest::none : direction,
                     of.own_ ? ownership::owned : ownership::borrowed),
        number_(of.shared_),
        kind_(of.kind_),
        is_pipe_(of.is_pipe_),
        is_terminal_(of.is_terminal_) {
    claim(of.in_use_);
    if (wants != interest::none)
      first_use = std::exchange(of.used_on_, current_loop) != current_loop;
  }

  // "read stdin"
  [[nodiscard]] std::string describe() const override {
    constexpr std::array names = {"stdin", "stdout", "stderr"};
    if (number_ >= 0 && number_ <= STDERR_FILENO)
      return fmt::format("{} {}", name(), names[static_cast<std::size_t>(number_)]);
    return fmt::format("{} fd {}", name(), number_);
  }

  [[nodiscard]] std::size_t value() const noexcept { return static_cast<std::size_t>(result_); }

 protected:
  ~shared_operation() = default;

  [[nodiscard]] bool is(standard_stream::kind asked) const noexcept { return kind_ == asked; }

  // How much may be written to what says that there is room, and is blocking. Of a pipe that is
  // certain (pipe(7)). Linux says it of a terminal that has less than 256 bytes (WAKEUP_CHARS) to
  // show, and as a rule has room for more.
  [[nodiscard]] std::size_t room() const noexcept {
    if (!is(standard_stream::kind::shared)) return SIZE_MAX;
    if (is_pipe_) return PIPE_BUF;
    return is_terminal_ ? 256 : SIZE_MAX;
  }

  // Whether it would wait all the same: the descriptor is blocking, and others take from it too.
  [[nodiscard]] bool would_block(short events) const noexcept {
    if (!is(standard_stream::kind::shared)) return false;
    pollfd asked{.fd = fd, .events = events, .revents = 0};
    return ::poll(&asked, 1, 0) == 0;
  }

 private:
  static int descriptor_of(standard_stream const& of) noexcept {
    if (of.kind_ == standard_stream::kind::closed) return -1;
    return of.own_ ? of.own_.get() : of.shared_;
  }

  int number_;
  standard_stream::kind kind_;
  bool is_pipe_;
  bool is_terminal_;
};

namespace {

constexpr auto current_position = static_cast<std::uint64_t>(-1);

class shared_read final : public awaitable_operation<shared_read, std::size_t, shared_operation> {
 public:
  shared_read(standard_stream& from, std::span<std::byte> buffer)
      : awaitable_operation("read", from, interest::read), buffer_(buffer) {}

  bool prepare(io_uring_sqe& entry) const noexcept override {
    unsigned const length = length_of(buffer_.size());
    if (is(standard_stream::kind::socket))
      ::io_uring_prep_recv(&entry, fd, buffer_.data(), length, 0);
    else
      ::io_uring_prep_read(&entry, fd, buffer_.data(), length, current_position);
    return true;
  }

  int perform() noexcept override {
    unsigned const length = length_of(buffer_.size());
    if (is(standard_stream::kind::socket))
      return result_of(::recv(fd, buffer_.data(), length, MSG_DONTWAIT));
    if (would_block(POLLIN)) return -EAGAIN;
    return result_of(::read(fd, buffer_.data(), length));
  }

  // What is in the page cache is taken at once; what goes wrong, the read itself will tell.
  bool start() noexcept {
    if (is(standard_stream::kind::file)) {
      iovec const into{buffer_.data(), length_of(buffer_.size())};
      result_ = result_of(::preadv2(fd, &into, 1, -1, RWF_NOWAIT));
      if (result_ >= 0) return true;
    }
    return io_operation::start();
  }

 private:
  std::span<std::byte> buffer_;
};

class shared_write final : public awaitable_operation<shared_write, std::size_t, shared_operation> {
 public:
  shared_write(standard_stream& to, std::span<std::byte const> bytes)
      : awaitable_operation("write", to, interest::write),
        bytes_(bytes.first(std::min(bytes.size(), room()))) {}

  bool prepare(io_uring_sqe& entry) const noexcept override {
    unsigned const length = length_of(bytes_.size());
    if (is(standard_stream::kind::socket))
      ::io_uring_prep_send(&entry, fd, bytes_.data(), length, MSG_NOSIGNAL);
    else
      ::io_uring_prep_write(&entry, fd, bytes_.data(), length, current_position);
    return true;
  }

  int perform() noexcept override {
    unsigned const length = length_of(bytes_.size());
    if (is(standard_stream::kind::socket))
      return result_of(::send(fd, bytes_.data(), length, MSG_DONTWAIT | MSG_NOSIGNAL));
    if (would_block(POLLOUT)) return -EAGAIN;
    return result_of(::write(fd, bytes_.data(), length));
  }

 private:
  std::span<std::byte const> bytes_;
};

}  // namespace

task<std::size_t> standard_stream::read_some(std::span<std::byte> buffer) {
  co_return co_await shared_read(*this, buffer);
}

task<std::size_t> standard_stream::write_some(std::span<std::byte const> bytes) {
  co_return co_await shared_write(*this, bytes);
}

}  // namespace detail

namespace terminal {

std::optional<window_size> size(int fd) noexcept {
  winsize found{};
  if (::ioctl(fd, TIOCGWINSZ, &found) != 0 || found.ws_col == 0) return std::nullopt;
  return window_size{.columns = found.ws_col, .rows = found.ws_row};
}

}  // namespace terminal
}  // namespace weft::inline v0
