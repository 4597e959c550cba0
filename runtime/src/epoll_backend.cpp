// The epoll backend: an operation is tried first, and waits for readiness only after EAGAIN. Each
// owned descriptor is registered once, edge-triggered, for both directions. See epoll(7).
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "backend.hpp"
#include "epoll_calls.hpp"
#include "fatal.hpp"

namespace weft::inline v0::detail {

namespace {

constexpr std::uint64_t wake_data = ~std::uint64_t{0};
constexpr std::uint32_t both_edges = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET;

class epoll_backend final : public backend {
 public:
  explicit epoll_backend(int wake_fd) : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) throw std::system_error(errno, std::system_category(), "epoll_create1");
    epoll_event watched{.events = EPOLLIN | EPOLLET, .data = {.u64 = wake_data}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_fd, &watched) != 0) {
      int const error = errno;
      ::close(epoll_);
      throw std::system_error(error, std::system_category(), "epoll_ctl");
    }
  }
  ~epoll_backend() override { ::close(epoll_); }
  epoll_backend(epoll_backend const&) = delete;
  epoll_backend& operator=(epoll_backend const&) = delete;

  [[nodiscard]] std::string_view name() const noexcept override { return "epoll"; }

  started start(io_operation& op, int& result) noexcept override {
    if (op.wants == interest::none) return started::unsupported;
    try {
      result = begin(op);
    } catch (std::bad_alloc const&) {
      result = -ENOMEM;
    }
    if (result != -EAGAIN) return started::finished;
    ++in_flight_;
    return started::in_flight;
  }

  void cancel(io_operation& op) noexcept override {
    entry_of(op.fd).waiters(op.wants).remove(op);
    finish(op, -ECANCELED);
    release_if_idle(op.fd);
  }

  bool wait(std::int64_t deadline) noexcept override {
    bool const look_only = !current_loop->ready.empty();
    if (look_only && in_flight_ == 0) return false;
    auto const count = static_cast<std::size_t>(wait_for(look_only ? 0 : left_until(deadline)));
    bool woken = false;
    for (epoll_event const& event : std::span(events_).first(count)) {
      if (event.data.u64 == wake_data)
        woken = true;
      else
        on_event(event);
    }
    return woken;
  }

  int close(int fd) noexcept override {
    forget(fd);
    return ::close(fd) == 0 ? 0 : -errno;
  }

  // Deregisters explicitly: a duplicate of the descriptor in another process would keep the
  // registration alive. The new generation makes events already on their way stale.
  void forget(int fd) noexcept override {
    if (fd < 0 || !has_entry(fd)) return;
    entry& known = entry_of(fd);
    if (known.registered) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
    known.registered = known.kept = known.always_try = false;
    known.can_read = known.can_write = false;
    ++known.generation;
  }

  [[nodiscard]] std::size_t in_flight() const noexcept override { return in_flight_; }
  [[nodiscard]] std::int64_t now() noexcept override { return monotonic_now(); }
  [[nodiscard]] std::uint64_t random() noexcept override { return randomness_.next(); }

 private:
  // What is known of one descriptor number. Small, because there may be many.
  struct entry {
    waiter_list readers;
    waiter_list writers;
    std::uint16_t generation = 0;  // stale events are of the batch at hand, so it may wrap around
    bool can_read = false;         // since the last EAGAIN
    bool can_write = false;
    bool registered = false;
    bool kept = false;        // owned, so its registration holds until it is closed
    bool always_try = false;  // it hung up, so no edge follows, or a read may end at urgent data

    [[nodiscard]] bool is_idle() const noexcept { return readers.empty() && writers.empty(); }
    waiter_list& waiters(interest wanted) noexcept {
      return wanted == interest::read ? readers : writers;
    }
    bool& ready(interest wanted) noexcept {
      return wanted == interest::read ? can_read : can_write;
    }
  };
  static_assert(sizeof(entry) == 40);
  static constexpr std::size_t block_entries = 64;

  [[nodiscard]] bool has_entry(int fd) const noexcept {
    auto const block = static_cast<std::size_t>(fd) / block_entries;
    return block < blocks_.size() && blocks_[block];
  }

  // Of a descriptor that has one.
  [[nodiscard]] entry& entry_of(int fd) const noexcept {
    auto const number = static_cast<std::size_t>(fd);
    return blocks_[number / block_entries][number % block_entries];
  }

  entry& make_entry(int fd) {
    auto const block = static_cast<std::size_t>(fd) / block_entries;
    if (block >= blocks_.size()) [[unlikely]]
      blocks_.resize(block + 1);
    if (!blocks_[block]) [[unlikely]]
      blocks_[block] = std::make_unique<entry[]>(block_entries);
    return entry_of(fd);
  }

  // Tries, then waits in line: yields the result, or -EAGAIN with the operation waiting.
  int begin(io_operation& op) {
    if (op.fd < 0) return -EBADF;
    entry& known = make_entry(op.fd);
    if (std::exchange(op.first_use, false) && known.is_idle()) forget(op.fd);
    if (op.whose != ownership::borrowed && !std::exchange(known.kept, true)) make_non_blocking(op);
    waiter_list& waiters = known.waiters(op.wants);
    if (waiters.empty() && (!known.registered || known.ready(op.wants))) {
      int const result = try_to_perform(op, known);
      if (result != -EAGAIN) return result;
    }
    if (!known.registered) {
      // Adding reports readiness that is there already, so nothing is lost between try and add.
      epoll_event watched{.events = both_edges, .data = {.u64 = data_of(op.fd, known)}};
      if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, op.fd, &watched) != 0) return -errno;
      known.registered = true;
    }
    op.tried = false;  // it was before the next edge, which says that trying is worth it again
    waiters.push_back(op);
    return -EAGAIN;
  }

  static std::uint64_t data_of(int fd, entry const& known) noexcept {
    return static_cast<std::uint64_t>(known.generation) << 32 | static_cast<std::uint32_t>(fd);
  }

  // Performs, and notes what that says of the descriptor. A read that drained a socket need not be
  // repeated to see EAGAIN: whatever comes later makes an edge.
  static int try_to_perform(io_operation& op, entry& known) noexcept {
    int const result = perform_now(op);
    known.ready(op.wants) = result != -EAGAIN && (!op.drained || known.always_try);
    return result;
  }

  void on_event(epoll_event const& event) noexcept {
    auto const fd = static_cast<int>(static_cast<std::uint32_t>(event.data.u64));
    entry& known = entry_of(fd);
    if (event.data.u64 != data_of(fd, known)) return;  // of an earlier owner of the number
    std::uint32_t const failed = EPOLLERR | EPOLLHUP;
    if ((event.events & (EPOLLPRI | EPOLLRDHUP | failed)) != 0) known.always_try = true;
    if ((event.events & (EPOLLIN | EPOLLRDHUP | failed)) != 0) known.can_read = true;
    if ((event.events & (EPOLLOUT | failed)) != 0) known.can_write = true;
    serve(known, interest::read);
    serve(known, interest::write);
    release_if_idle(fd);
  }

  void serve(entry& known, interest side) noexcept {
    waiter_list& waiters = known.waiters(side);
    while (known.ready(side) && !waiters.empty()) {
      auto& op = static_cast<io_operation&>(waiters.front());
      int const result = try_to_perform(op, known);
      if (result == -EAGAIN) return;
      waiters.remove(op);
      finish(op, result);
    }
  }

  // A borrowed descriptor may be closed behind our back: it stays registered only while awaited.
  void release_if_idle(int fd) noexcept {
    entry const& known = entry_of(fd);
    if (!known.kept && known.is_idle()) forget(fd);
  }

  void finish(io_operation& op, int result) noexcept {
    --in_flight_;
    op.complete(result);
  }

  // Nanoseconds to wait; negative for ever.
  static std::int64_t left_until(std::int64_t deadline) noexcept {
    if (deadline == never) return -1;
    return std::max<std::int64_t>(deadline - monotonic_now(), 0);
  }

  int wait_for(std::int64_t nanoseconds) noexcept {
    int count = -ENOSYS;
    if (has_pwait2_) {
      timespec const timeout{.tv_sec = nanoseconds / 1'000'000'000,
                             .tv_nsec = nanoseconds % 1'000'000'000};
      count = wait_for_events(epoll_, events_, nanoseconds < 0 ? nullptr : &timeout);
      has_pwait2_ = count != -ENOSYS;  // before Linux 5.11, and valgrind
    }
    if (!has_pwait2_) {
      constexpr std::int64_t longest = 1'000'000'000;  // milliseconds; the loop comes back
      std::int64_t const rounded_up = std::min((nanoseconds + 999'999) / 1'000'000, longest);
      count = wait_for_events(epoll_, events_, nanoseconds < 0 ? -1 : static_cast<int>(rounded_up));
    }
    if (count < 0 && count != -EINTR) fatal("epoll_wait", -count);
    return std::max(count, 0);
  }

  int epoll_;
  std::vector<std::unique_ptr<entry[]>> blocks_;  // by descriptor number
  std::array<epoll_event, 32> events_{};  // few: what they read is still in the cache when resumed
  std::size_t in_flight_ = 0;
  bool has_pwait2_ = true;
  kernel_randomness randomness_;
};

}  // namespace

std::unique_ptr<backend> make_epoll_backend(int wake_fd) {
  return std::make_unique<epoll_backend>(wake_fd);
}

}  // namespace weft::inline v0::detail
