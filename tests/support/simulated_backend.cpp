// See simulated_backend.hpp.
#include "simulated_backend.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace support {

using weft::detail::interest;
using weft::detail::io_operation;
using weft::detail::started;

namespace {

// How many real milliseconds bytes get to arrive before time jumps.
constexpr int grace = 2;

pollfd asked_of(io_operation const& op) {
  short const events = op.wants == interest::read ? POLLIN : POLLOUT;
  return {.fd = op.fd, .events = events, .revents = 0};
}

}  // namespace

started simulated_backend::start(io_operation& op, int& result) noexcept {
  weft::detail::make_non_blocking(op);
  try {
    asked_.reserve(in_flight_.size() + 2);
    in_flight_.push_back(&op);
    return started::in_flight;
  } catch (std::bad_alloc const&) {
    result = -ENOMEM;
    return started::finished;
  }
}

void simulated_backend::cancel(io_operation& op) noexcept {
  std::erase(in_flight_, &op);
  op.complete(-ECANCELED);
}

bool simulated_backend::wait(std::int64_t deadline) noexcept {
  asked_.clear();
  if (perform_what_can_be() || !weft::detail::current_loop->ready.empty()) {
    now_ += 100;  // tasks that run take time
    return false;
  }
  if (deadline == weft::detail::never)
    wait_for_descriptors(-1);
  else if (!wait_for_descriptors(grace))
    now_ = std::max(now_, deadline);
  return !asked_.empty() && asked_.front().revents != 0;
}

bool simulated_backend::perform_what_can_be() noexcept {
  std::size_t const before = in_flight_.size();
  std::erase_if(in_flight_, [](io_operation* op) {
    int const result = weft::detail::perform_now(*op);
    if (result == -EAGAIN) return false;
    op->complete(result);
    return true;
  });
  return in_flight_.size() != before;
}

// Only others can go on now: threads, which wake us or write to a descriptor, and the kernel, which
// may still be carrying bytes from one socket to another. Says whether one of them has.
bool simulated_backend::wait_for_descriptors(int milliseconds) noexcept {
  if (in_flight_.empty() && milliseconds >= 0) return false;
  asked_.clear();  // start() has made room
  asked_.push_back({.fd = wake_fd_, .events = POLLIN, .revents = 0});
  for (auto const* op : in_flight_) asked_.push_back(asked_of(*op));
  return ::poll(asked_.data(), asked_.size(), milliseconds) > 0;
}

int simulated_backend::close(int fd) noexcept { return ::close(fd) == 0 ? 0 : -errno; }

// splitmix64, from a fixed seed.
std::uint64_t simulated_backend::random() noexcept {
  std::uint64_t z = (seed_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace support
