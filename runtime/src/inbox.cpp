// A Treiber stack that the loop takes whole and reverses, an "asleep" flag, and an eventfd.
#include "weft/detail/inbox.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "weft/detail/chain.hpp"

namespace weft::inline v0::detail {

namespace {

// Stands in `newest_` for an inbox whose loop is gone.
class closed_mark final : public operation {
 public:
  closed_mark() noexcept : operation("closed inbox") {}
  void cancel() noexcept override {}
};
closed_mark closed;

}  // namespace

inbox::inbox() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_ < 0) throw std::system_error(errno, std::system_category(), "eventfd");
}

inbox::~inbox() { ::close(event_); }

bool inbox::push(operation& op) noexcept {
  operation* newest = newest_.load(std::memory_order_relaxed);
  do {
    if (newest == &closed) return false;
    op.next = newest;
    // Release pairs with the acquire in drain(): what the pusher wrote before, a worker's result
    // among it, must be visible before the loop resumes the task that reads it. Sequentially
    // consistent with asleep_: either we see that the loop sleeps, or it sees the operation.
  } while (!newest_.compare_exchange_weak(newest, &op, std::memory_order_seq_cst,
                                          std::memory_order_relaxed));
  if (asleep_.load(std::memory_order_seq_cst)) wake();
  return true;
}

void inbox::wake() noexcept {
  int const error = errno;
  std::uint64_t const one = 1;
  // A full counter (EAGAIN) is as good: the descriptor is readable.
  [[maybe_unused]] auto const written = ::write(event_, &one, sizeof one);
  errno = error;
}

void inbox::drop_remote() noexcept {
  // Release: pushes through the handle come before. The loop may have waited for this handle only.
  if (remotes_.fetch_sub(1, std::memory_order_acq_rel) == 1) wake();
}

void inbox::drain(loop_core& into) noexcept {
  if (newest_.load(std::memory_order_relaxed) == nullptr) return;
  operation* newest = newest_.exchange(nullptr, std::memory_order_acquire);
  operation* oldest = nullptr;
  while (newest != nullptr) {
    operation* const older = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = older;
  }
  while (oldest != nullptr) {
    operation* const following = oldest->next;
    into.push_ready(*oldest);
    oldest = following;
  }
}

bool inbox::fall_asleep() noexcept {
  asleep_.store(true, std::memory_order_seq_cst);
  if (newest_.load(std::memory_order_seq_cst) == nullptr) return true;
  awake();
  return false;
}

void inbox::clear_wake() noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] auto const got = ::read(event_, &count, sizeof count);
}

void inbox::tell_end_to(std::weak_ptr<loop_end_listener> listener) {
  std::erase_if(listeners_, [](auto const& known) { return known.expired(); });
  listeners_.push_back(std::move(listener));
}

void inbox::close(loop_core& into) noexcept {
  operation* expected = nullptr;
  while (!newest_.compare_exchange_strong(expected, &closed, std::memory_order_seq_cst)) {
    drain(into);
    expected = nullptr;
  }
  for (auto const& known : listeners_)
    if (auto const listener = known.lock()) listener->loop_ended();
  listeners_.clear();
}

}  // namespace weft::inline v0::detail
