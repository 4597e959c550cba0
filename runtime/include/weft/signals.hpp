// signals: those that come to the process, as a sequence.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>

#include "weft/detail/inbox.hpp"
#include "weft/detail/waiting.hpp"

namespace weft::inline v0 {

namespace detail {

class signal_subscriber;  // final: NOLINT(cppcoreguidelines-virtual-class-destructor)

struct unsubscribe {
  WEFT_API void operator()(signal_subscriber* leaving) const noexcept;
};

}  // namespace detail

// A subscription to signals. While it exists, those of its numbers do not do what they did (end the
// process, stop the root of run_main); next() yields their numbers instead. They may have any
// number of subscribers, and each gets all of them. When the last one has gone, a signal does again
// what it did before.
//
//   weft::signals hangups{SIGHUP};
//   for (;;) {
//     co_await hangups.next();
//     co_await load_settings();
//   }
//
// Belongs to the loop it was made on, and must not outlive it.
class WEFT_API signals {
 public:
  // Throws std::invalid_argument for what tells of a fault of the program itself (SIGSEGV, SIGBUS,
  // SIGFPE, SIGILL) and cannot wait for a task; std::system_error, EINVAL, for SIGKILL, SIGSTOP and
  // what is no signal; nothing is changed then. See signal(7).
  explicit signals(std::initializer_list<int> numbers);

  class next_operation;  // final: NOLINT(cppcoreguidelines-virtual-class-destructor)

  // Waits for a signal, and yields its number. One that comes again before it was taken counts once
  // (a real-time signal, too); of several the lowest number is yielded first. Waiting for a signal
  // is no deadlock. Resumes on the loop. Throws cancelled, which loses no signal.
  [[nodiscard]] next_operation next() noexcept;

 private:
  std::unique_ptr<detail::signal_subscriber, detail::unsubscribe> subscriber_;
};

namespace detail {

// As an operation it is its own delivery: whoever sets `on_its_way` pushes it into the inbox.
class WEFT_API signal_subscriber final : public operation {
 public:
  signal_subscriber(std::uint64_t wanted, std::shared_ptr<inbox> entrance) noexcept;

  // In a signal handler. The loop may be gone.
  void arrive(int number) noexcept;

  // On the loop.
  void run() noexcept override;
  void cancel() noexcept override {}

  // Yields the lowest number that has arrived, which then has not any more; 0 when none has.
  int take() noexcept;

  // Destroys it, once its delivery is not on its way any more. No handler knows it.
  void leave() noexcept;

  // The signal N is the bit N - 1.
  [[nodiscard]] std::uint64_t wanted() const noexcept { return wanted_; }
  [[nodiscard]] inbox& entrance() const noexcept { return *entrance_; }

  waiter_list waiting;
  std::atomic<signal_subscriber*> following{nullptr};  // in the list that the handler walks

 private:
  ~signal_subscriber() = default;

  std::uint64_t const wanted_;
  std::shared_ptr<inbox> const entrance_;
  std::atomic<std::uint64_t> arrived_{0};
  std::atomic<bool> on_its_way_{false};
  bool left_ = false;
};

// Keeps the loop from taking the wait for what comes from outside for a deadlock.
class expectation {
 public:
  explicit expectation(inbox& at) noexcept : entrance_(at) { entrance_.add_remote(); }
  expectation(expectation const&) = delete;
  expectation& operator=(expectation const&) = delete;
  ~expectation() { entrance_.drop_remote(); }

 private:
  inbox& entrance_;
};

}  // namespace detail

class signals::next_operation final : public detail::listed_operation<next_operation, int> {
 public:
  explicit next_operation(detail::signal_subscriber& from) noexcept
      : listed_operation("next signal", from.waiting), from_(from) {}

  bool start() noexcept {
    if (from_.waiting.empty()) result_ = from_.take();  // others have waited longer
    if (result_ != 0) return true;
    expecting_.emplace(from_.entrance());
    return wait_in_line();
  }
  [[nodiscard]] int value() const noexcept { return result_; }

 private:
  detail::signal_subscriber& from_;
  std::optional<detail::expectation> expecting_;
};

inline signals::next_operation signals::next() noexcept { return next_operation(*subscriber_); }

}  // namespace weft::inline v0
