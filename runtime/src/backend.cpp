// Chooses the backend, and what the two on the real kernel share.
#include "backend.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

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
    return {make_epoll_backend(wake_fd), refused.what()};
  }
}

void make_non_blocking(io_operation const& op) noexcept {
  if (op.whose != ownership::owned || op.fd <= STDERR_FILENO) return;
  int const flags = ::fcntl(op.fd, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(op.fd, F_SETFL, flags | O_NONBLOCK);
}

std::int64_t monotonic_now() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

std::uint64_t kernel_random() noexcept {
  std::uint64_t value = 0;
  // Fails only before the kernel's pool is initialised, early in boot; then the clock must do.
  if (::getrandom(&value, sizeof value, GRND_NONBLOCK) != sizeof value)
    value = static_cast<std::uint64_t>(monotonic_now()) * 0x9e3779b97f4a7c15u;
  return value;
}

}  // namespace weft::inline v0::detail
