// The io_uring backend: operations go into the submission ring as they start, one kernel call a
// tick submits them and waits, and completions are copied out before anything is resumed. See
// io_uring(7), io_uring_setup(2), io_uring_enter(2).
#include <liburing.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "backend.hpp"
#include "fatal.hpp"
#include "provided_buffers.hpp"

namespace weft::inline v0::detail {

namespace {

// What an operation's `stage` says here. A cancel may come in any of them.
enum : std::uint8_t {
  submitted = 1,  // the operation itself is in the ring
  polling = 2,    // readiness is awaited, then perform() is tried
  selecting = 4,  // the kernel is to choose a buffer
  cancel_asked = 0x80,
};

// user_data of entries that are no operation. Operations are aligned, so these are no addresses.
constexpr std::uint64_t wake_tag = 1;
constexpr std::uint64_t ignored_tag = 2;

// The optional setup flags, the newest first: a kernel that says EINVAL gets one group less.
constexpr std::array<unsigned, 6> flag_groups = {
    IORING_SETUP_DEFER_TASKRUN,                               // 6.1
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,  // 6.0
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,    // 5.19
    IORING_SETUP_SUBMIT_ALL,                                  // 5.18
    IORING_SETUP_CLAMP,                                       // 5.6
    IORING_SETUP_CQSIZE,                                      // 5.5
};

constexpr unsigned all_flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                               IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
                               IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE;

// One ring may be mapped where one of another thread was before. The kernel orders the two; release
// and acquire here say so to ThreadSanitizer, which does not see system calls.
std::atomic<unsigned> rings_ended{0};

[[noreturn]] void refuse(int error, char const* call) {
  throw std::system_error(error, std::system_category(), call);
}

class uring_backend final : public backend {
 public:
  uring_backend(int wake_fd, uring_settings const& settings) : wake_fd_(wake_fd) {
    set_up(settings);
    rings_ended.fetch_add(0, std::memory_order_acq_rel);
    try {
      probe(settings.opcodes);
      prove_round_trip();
    } catch (...) {
      ::io_uring_queue_exit(&ring_);
      throw;
    }
    ::io_uring_ring_dontfork(&ring_);
    ::io_uring_register_ring_fd(&ring_);  // saves a descriptor look-up per call; optional
    unsigned workers[2] = {4, 4};         // bounded (files), unbounded (sockets, pipes)
    ::io_uring_register_iowq_max_workers(&ring_, workers);
    watch_wake();
  }

  // The loop has awaited every operation; only the poll of the wake descriptor is in flight, which
  // owns no memory.
  ~uring_backend() override {
    provided_.give_back();
    rings_ended.fetch_add(1, std::memory_order_release);
    ::io_uring_queue_exit(&ring_);
  }

  uring_backend(uring_backend const&) = delete;
  uring_backend& operator=(uring_backend const&) = delete;

  [[nodiscard]] std::string_view name() const noexcept override { return "io_uring"; }

  started start(io_operation& op, int& result) noexcept override {
    io_uring_sqe entry{};
    if (op.prepare(entry) && takes(entry)) {
      op.stage = (entry.flags & IOSQE_BUFFER_SELECT) != 0 ? submitted | selecting : submitted;
      push(entry, user_data(op));
    } else if (op.wants != interest::none) {
      make_non_blocking(op);
      result = perform_now(op);
      if (result != -EAGAIN) return started::finished;
      poll_for(op);
    } else {
      return started::unsupported;
    }
    ++in_flight_;
    return started::in_flight;
  }

  void cancel(io_operation& op) noexcept override {
    if ((op.stage & cancel_asked) != 0) return;
    op.stage |= cancel_asked;
    io_uring_sqe entry{};
    ::io_uring_prep_cancel64(&entry, user_data(op), 0);
    push(entry, ignored_tag);
  }

  bool wait(std::int64_t deadline) noexcept override {
    bool const woken_before = reap();
    provided_.fill();
    if (current_loop->ready.empty())
      sleep_until(deadline);
    else
      look();
    return reap() || woken_before;
  }

  int close(int fd) noexcept override {
    forget(fd);
    return ::close(fd) == 0 ? 0 : -errno;
  }

  // Entries name their file by number until they are submitted; after that they hold the file,
  // cancelled ones until their task work has run. One call runs only 20 of those (since Linux
  // 6.13). The flag alone does not tell when all have run: the kernel sets it after it has queued
  // the work, so when another processor queues what this one runs at once, the flag stays set
  // until more work comes.
  void forget(int) noexcept override {
    if (::io_uring_sq_ready(&ring_) == 0) return;
    while (::io_uring_sq_ready(&ring_) != 0) submit();
    for (std::size_t left = in_flight_ / 20 + 1; left != 0 && says(IORING_SQ_TASKRUN); --left)
      submit();
  }

  [[nodiscard]] std::size_t in_flight() const noexcept override { return in_flight_; }
  [[nodiscard]] std::int64_t now() noexcept override { return monotonic_now(); }
  [[nodiscard]] std::uint64_t random() noexcept override { return randomness_.next(); }

 private:
  static std::uint64_t user_data(io_operation& op) noexcept {
    return reinterpret_cast<std::uint64_t>(&op);
  }

  void set_up(uring_settings const& settings) {
    unsigned flags = all_flags & settings.setup_flags;
    // Completions may wait as task work until we enter; TASKRUN_FLAG makes that visible.
    if ((flags & IORING_SETUP_TASKRUN_FLAG) == 0)
      flags &= ~(IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN);
    // DEFER_TASKRUN without SINGLE_ISSUER is EINVAL.
    if ((flags & IORING_SETUP_SINGLE_ISSUER) == 0) flags &= ~IORING_SETUP_DEFER_TASKRUN;
    for (std::size_t dropped = 0;; ++dropped) {
      io_uring_params params{};
      params.flags = flags;
      params.cq_entries = settings.completion_entries;
      int const error = -::io_uring_queue_init_params(settings.entries, &ring_, &params);
      if (error == 0) break;
      if (error != EINVAL || dropped == flag_groups.size()) refuse(error, "io_uring_setup");
      flags &= ~flag_groups[dropped];
    }
  }

  void probe(std::uint64_t allowed) {
    constexpr unsigned asked = 64;
    // The entries follow the head in memory, as the kernel wants it.
    alignas(io_uring_probe)
        std::array<std::byte, sizeof(io_uring_probe) + asked * sizeof(io_uring_probe_op)>
            room{};
    auto* const found = reinterpret_cast<io_uring_probe*>(room.data());
    if (int const result = ::io_uring_register_probe(&ring_, found, asked); result < 0)
      refuse(-result, "io_uring_register");
    for (int opcode = 0; opcode < static_cast<int>(asked); ++opcode)
      if (::io_uring_opcode_supported(found, opcode) != 0) opcodes_ |= std::uint64_t{1} << opcode;
    opcodes_ &= allowed;
  }

  // A sandbox may allow the set-up and block io_uring_enter. EINTR, EAGAIN and EBUSY pass, unless
  // it is a sandbox that says so: then they never do.
  void prove_round_trip() {
    ::io_uring_prep_nop(::io_uring_get_sqe(&ring_));
    int result = -EAGAIN;
    for (int left = 100; left != 0 && ::io_uring_cq_ready(&ring_) == 0; --left) {
      result = ::io_uring_submit_and_wait(&ring_, 1);
      if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY) break;
    }
    if (::io_uring_cq_ready(&ring_) == 0) refuse(result < 0 ? -result : EIO, "io_uring_enter");
    ::io_uring_cq_advance(&ring_, 1);
  }

  [[nodiscard]] bool takes(io_uring_sqe const& entry) noexcept {
    if (entry.opcode >= 64 || (opcodes_ >> entry.opcode & 1) == 0) return false;
    return (entry.flags & IOSQE_BUFFER_SELECT) == 0 || provided_.set_up(ring_);
  }

  // Puts an entry into the ring, submitting what is there when it is full. Nothing is dropped.
  void push(io_uring_sqe const& entry, std::uint64_t data) noexcept {
    io_uring_sqe* free = nullptr;
    while ((free = ::io_uring_get_sqe(&ring_)) == nullptr) submit();
    *free = entry;
    free->user_data = data;
  }

  void submit() noexcept {
    int const result = ::io_uring_submit_and_get_events(&ring_);
    check(result);
    if (result == -EBUSY || result == -EAGAIN) copy_out();  // the kernel wants room in there first
  }

  void poll_for(io_operation& op) noexcept {
    op.stage = static_cast<std::uint8_t>(polling | (op.stage & cancel_asked));
    io_uring_sqe entry{};
    ::io_uring_prep_poll_add(&entry, op.fd, op.wants == interest::read ? POLLIN : POLLOUT);
    push(entry, user_data(op));
  }

  // A poll, not a read: it owns no buffer that could outlive us.
  void watch_wake() noexcept {
    io_uring_sqe entry{};
    ::io_uring_prep_poll_add(&entry, wake_fd_, POLLIN);
    push(entry, wake_tag);
  }

  // Whether the kernel has set one of these flags of the ring.
  [[nodiscard]] bool says(unsigned flags) const noexcept {
    return (IO_URING_READ_ONCE(*ring_.sq.kflags) & flags) != 0;
  }

  // One kernel call that submits and does not wait; none when there is nothing to say.
  void look() noexcept {
    if (says(IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN) || ::io_uring_sq_ready(&ring_) != 0)
      check(::io_uring_submit_and_get_events(&ring_));
  }

  void sleep_until(std::int64_t deadline) noexcept {
    if (deadline == never) return check(::io_uring_submit_and_wait(&ring_, 1));
    std::int64_t const left = std::max<std::int64_t>(deadline - monotonic_now(), 0);
    __kernel_timespec timeout{.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
    io_uring_cqe* ignored = nullptr;
    check(::io_uring_submit_and_wait_timeout(&ring_, &ignored, 1, &timeout, nullptr));
  }

  // EINTR, EAGAIN and EBUSY leave the entries in the ring; the next tick submits them.
  static void check(int result) noexcept {
    if (result >= 0 || result == -EINTR || result == -EAGAIN || result == -EBUSY ||
        result == -ETIME)
      return;
    fatal("io_uring_enter", -result);
  }

  // Copies out the completions and publishes the head of the queue, then acts on those that need
  // another entry, which may in turn make room by copying out. Says whether the loop was woken.
  bool reap() noexcept {
    copy_out();
    while (!again_.empty()) go_on(static_cast<io_operation&>(again_.pop()));
    if (!std::exchange(woken_, false)) return false;
    watch_wake();
    return true;
  }

  void copy_out() noexcept {
    std::array<io_uring_cqe*, 64> batch{};
    while (unsigned const count = ::io_uring_peek_batch_cqe(&ring_, batch.data(),
                                                            static_cast<unsigned>(batch.size()))) {
      for (unsigned i = 0; i < count; ++i) take(*batch[i]);
      ::io_uring_cq_advance(&ring_, count);
    }
  }

  void take(io_uring_cqe const& completion) noexcept {
    if (completion.user_data == ignored_tag) return;
    if (completion.user_data == wake_tag) {
      woken_ = true;
      return;
    }
    auto& op = *reinterpret_cast<io_operation*>(completion.user_data);
    int const result = completion.res;
    op.drained = (completion.flags & IORING_CQE_F_SOCK_NONEMPTY) == 0;
    if ((completion.flags & IORING_CQE_F_BUFFER) != 0) {
      op.buffer = static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
      provided_.taken();
    }
    bool const no_buffer = result == -ENOBUFS && (op.stage & selecting) != 0;
    if (no_buffer) provided_.ran_out();
    // What waits for no readiness gets EAGAIN for other reasons, which trying again may not change.
    bool const waits = result == -EAGAIN && op.wants != interest::none;
    bool const retry = waits || result == -EINTR || no_buffer;
    bool const ready = (op.stage & polling) != 0 && result >= 0;
    if ((op.stage & cancel_asked) != 0 && (retry || ready)) return finish(op, -ECANCELED);
    if (retry || ready) return again_.push(op);
    finish(op, result);
  }

  // After readiness: try. After EAGAIN, which a non-blocking descriptor gives: wait for readiness.
  // After EINTR, where there is none to wait for: begin again.
  void go_on(io_operation& op) noexcept {
    if ((op.stage & cancel_asked) != 0) return finish(op, -ECANCELED);
    if (op.wants == interest::none) {
      io_uring_sqe entry{};
      op.prepare(entry);
      return push(entry, user_data(op));
    }
    if ((op.stage & polling) == 0) return poll_for(op);
    int const result = perform_now(op);
    if (result == -EAGAIN) return poll_for(op);
    finish(op, result);
  }

  void finish(io_operation& op, int result) noexcept {
    --in_flight_;
    op.complete(result);
  }

  io_uring ring_{};
  provided_buffers provided_;
  int wake_fd_;
  kernel_randomness randomness_;
  std::uint64_t opcodes_ = 0;
  std::size_t in_flight_ = 0;
  ready_queue again_;
  bool woken_ = false;
};

}  // namespace

std::unique_ptr<backend> make_uring_backend(int wake_fd, uring_settings const& settings) {
  return std::make_unique<uring_backend>(wake_fd, settings);
}

}  // namespace weft::inline v0::detail
