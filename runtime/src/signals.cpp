// Signals as sequences. The handler notes the signal with each subscriber, and pushes those that
// are not on their way already into the inboxes of their loops: all of it atomic, since a handler
// runs on any thread, at any moment.
#include "weft/signals.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "loop.hpp"
#include "weft/error.hpp"

namespace weft::inline v0 {

using detail::signal_subscriber;

namespace {

constexpr int highest_signal = 64;

constexpr std::uint64_t bit_of(int number) noexcept { return std::uint64_t{1} << (number - 1); }

// What the handler may touch. It walks the list while others change it: one that was taken out is
// destroyed only when no handler is inside any more, and keeps its link until then.
std::atomic<signal_subscriber*> first{nullptr};
std::atomic<int> inside{0};

extern "C" void on_subscribed_signal(int number) {
  ++inside;
  for (auto* known = first.load(); known != nullptr; known = known->following)
    known->arrive(number);
  --inside;
}

// Who subscribes to what, and what the signals did before.
class subscriptions {
 public:
  // Throws what the constructor of signals says, and has then changed nothing.
  void add(signal_subscriber& added) {
    std::scoped_lock const lock(mutex_);
    added.following = first.load();
    first = &added;
    std::uint64_t handled = 0;
    for (std::uint64_t left = added.wanted(); left != 0; left &= left - 1) {
      int const number = std::countr_zero(left) + 1;
      if (int const error = handle(number); error != 0) {
        stop_handling(handled);
        take_out(added);
        detail::throw_system_error(error, fmt::format("subscribe to signal {}", number));
      }
      handled |= bit_of(number);
    }
  }

  void remove(signal_subscriber& removed) noexcept {
    std::scoped_lock const lock(mutex_);
    stop_handling(removed.wanted());
    take_out(removed);
  }

 private:
  struct handled_signal {
    std::size_t subscribers = 0;
    struct sigaction before{};
  };

  handled_signal& state_of(int number) noexcept {
    return handled_[static_cast<std::size_t>(number) - 1];
  }

  // Installs the handler for the first subscriber: 0 or an errno.
  int handle(int number) noexcept {
    auto& state = state_of(number);
    if (state.subscribers++ != 0) return 0;
    struct sigaction action{};
    action.sa_handler = on_subscribed_signal;
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    ::sigfillset(&action.sa_mask);
    if (::sigaction(number, &action, &state.before) == 0) return 0;
    state.subscribers = 0;
    return errno;
  }

  void stop_handling(std::uint64_t numbers) noexcept {
    for (; numbers != 0; numbers &= numbers - 1) {
      int const number = std::countr_zero(numbers) + 1;
      auto& state = state_of(number);
      if (--state.subscribers == 0) ::sigaction(number, &state.before, nullptr);
    }
  }

  // A handler on this thread has ended before this goes on; one on another thread is short.
  static void take_out(signal_subscriber& removed) noexcept {
    std::atomic<signal_subscriber*>* link = &first;
    while (link->load() != &removed) link = &link->load()->following;
    *link = removed.following.load();
    while (inside != 0) std::this_thread::yield();
  }

  std::mutex mutex_;
  std::array<handled_signal, highest_signal> handled_{};
};

subscriptions& all_subscriptions() {
  static subscriptions all;
  return all;
}

std::uint64_t set_of(std::initializer_list<int> numbers) {
  constexpr std::array faults = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
  std::uint64_t wanted = 0;
  for (int const number : numbers) {
    if (number < 1 || number > highest_signal)
      detail::throw_system_error(EINVAL, fmt::format("subscribe to signal {}", number));
    if (std::ranges::find(faults, number) != faults.end())
      throw std::invalid_argument(
          fmt::format("weft: subscribe to signal {}: it tells of a fault at the instruction where "
                      "it comes, and cannot wait for a task",
                      number));
    wanted |= bit_of(number);
  }
  return wanted;
}

}  // namespace

signals::signals(std::initializer_list<int> numbers) {
  std::uint64_t const wanted = set_of(numbers);
  auto const& home = detail::loop::of(*detail::running_chain("weft::signals").loop);
  auto* const added = new signal_subscriber(wanted, home.entrance());
  try {
    all_subscriptions().add(*added);
  } catch (...) {
    added->leave();
    throw;
  }
  subscriber_.reset(added);
}

namespace detail {

void unsubscribe::operator()(signal_subscriber* leaving) const noexcept {
  all_subscriptions().remove(*leaving);
  leaving->leave();
}

signal_subscriber::signal_subscriber(std::uint64_t wanted, std::shared_ptr<inbox> entrance) noexcept
    : operation("signals"), wanted_(wanted), entrance_(std::move(entrance)) {}

void signal_subscriber::arrive(int number) noexcept {
  if ((wanted_ & bit_of(number)) == 0) return;
  arrived_ |= bit_of(number);
  if (!on_its_way_.exchange(true) && !entrance_->push(*this)) on_its_way_ = false;
}

// What arrives once the flag is down is delivered by another run.
void signal_subscriber::run() noexcept {
  on_its_way_ = false;
  if (left_) return delete this;
  while (!waiting.empty()) {
    int const number = take();
    if (number == 0) return;
    complete_front(waiting, number);
  }
}

int signal_subscriber::take() noexcept {
  std::uint64_t const arrived = arrived_;
  if (arrived == 0) return 0;
  int const number = std::countr_zero(arrived) + 1;
  arrived_ &= ~bit_of(number);
  return number;
}

void signal_subscriber::leave() noexcept {
  left_ = true;
  if (!on_its_way_) delete this;
}

}  // namespace detail
}  // namespace weft::inline v0
