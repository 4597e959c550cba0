// Chooses the backend, and what the two on the real kernel share.
#include "backend.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/random.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <ctime>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "weft/log.hpp"

namespace weft::inline v0::detail {

namespace {

backend_kind overridden(backend_kind wanted) {
  char const* const value = std::getenv("WEFT_BACKEND");
  if (value == nullptr || *value == '\0') return wanted;
  std::string_view const named = value;
  if (named == "uring") return backend_kind::uring;
  if (named == "epoll") return backend_kind::epoll;
  throw std::invalid_argument(
      fmt::format("WEFT_BACKEND={}: there is no such backend; use uring or epoll", named));
}

}  // namespace

chosen_backend make_backend(backend_kind wanted, int wake_fd) {
  switch (overridden(wanted)) {
    case backend_kind::uring: return {make_uring_backend(wake_fd), "asked for"};
    case backend_kind::epoll: return {make_epoll_backend(wake_fd), "asked for"};
    case backend_kind::automatic: break;
  }
  try {
    return {make_uring_backend(wake_fd), "io_uring works here"};
  } catch (std::system_error const& refused) {
    static std::atomic_flag said;
    if (!said.test_and_set())
      log(log_level::warning,
          fmt::format("weft: io_uring cannot be used here ({}); epoll is used instead",
                      refused.what()));
    return {make_epoll_backend(wake_fd), refused.what()};
  }
}

namespace {

bool is_standard_stream(io_operation const& op) noexcept {
  return op.whose == ownership::owned && op.fd >= 0 && op.fd <= STDERR_FILENO;
}

bool would_block(io_operation const& op) noexcept {
  short const events = op.wants == interest::read ? POLLIN : POLLOUT;
  pollfd asked{.fd = op.fd, .events = events, .revents = 0};
  return ::poll(&asked, 1, 0) == 0;
}

}  // namespace

int perform_now(io_operation& op) noexcept {
  if (std::exchange(op.tried, false)) return -EAGAIN;
  if (is_standard_stream(op) && would_block(op)) return -EAGAIN;
  int result = 0;
  do result = op.perform();
  while (result == -EINTR);
  return result;
}

void make_non_blocking(io_operation const& op) noexcept {
  if (op.whose != ownership::owned || is_standard_stream(op)) return;
  int const flags = ::fcntl(op.fd, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(op.fd, F_SETFL, flags | O_NONBLOCK);
}

std::int64_t monotonic_now() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

void kernel_randomness::refill() noexcept {
  left_ = numbers_.size();
  if (::getrandom(numbers_.data(), sizeof numbers_, GRND_NONBLOCK) == sizeof numbers_) return;
  // Fails only before the kernel's pool is initialised, early in boot; then the clock must do.
  left_ = 1;
  numbers_[0] = static_cast<std::uint64_t>(monotonic_now()) * 0x9e3779b97f4a7c15u;
}

}  // namespace weft::inline v0::detail
