// The worker: takes the slots in turn, calls what they hold, and wakes the program if that sleeps.
#include "process_worker.hpp"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "brief_pause.hpp"
#include "memory_file.hpp"
#include "socket_message.hpp"
#include "thrown.hpp"
#include "weft/descriptor.hpp"
#include "weft/detail/codec.hpp"
#include "weft/error.hpp"
#include "worker_memory.hpp"

namespace weft::inline v0::detail {

namespace {

// Spinning waits for what comes soon; so long, which is longer than the program needs to read a
// result and to send the next job.
constexpr int looks_max = 2 * pauses_max;

class worker {
 public:
  worker(worker_memory& memory, int socket) noexcept : memory_(memory), socket_(socket) {}

  // Until there will be no job any more.
  void run() {
    memory_.reached.store(worker_memory::stage::working, std::memory_order_release);
    for (;; ++next_) {
      job_slot& slot = memory_.slots[next_ % slot_count];
      if (!await_job(slot)) return;
      auto queued = job_slot::state::queued;
      if (slot.now.compare_exchange_strong(queued, job_slot::state::running,
                                           std::memory_order_acq_rel))
        work_on(slot);
      else
        pass_over(slot);
    }
  }

 private:
  // False when there will be none.
  bool await_job(job_slot const& slot) {
    auto const is_there = [&] {
      return slot.now.load(std::memory_order_seq_cst) == job_slot::state::queued ||
             slot.now.load(std::memory_order_seq_cst) == job_slot::state::withdrawn;
    };
    for (int looks = looking_out_helps() ? looks_max : 1; looks > 0; --looks) {
      if (is_there()) return true;
      pause_briefly();
    }
    for (;;) {
      auto const seen = memory_.bell.load(std::memory_order_seq_cst);
      memory_.worker_asleep.store(true, std::memory_order_seq_cst);
      // In this order: the last job comes before the word that it is the last.
      bool const to_end = memory_.to_end.load(std::memory_order_seq_cst);
      bool const found = is_there();
      if (!found && !to_end) memory_.sleep(seen);
      memory_.worker_asleep.store(false, std::memory_order_relaxed);
      if (found || to_end) return found;
    }
  }

  void work_on(job_slot& slot) {
    slot.begun.store(machine_now(), std::memory_order_relaxed);
    mapped_file file;
    if (slot.in_file) {
      auto const taken = descriptor::adopt(take_file(next_ % slot_count));
      file = map_memory_file(taken.get());
    }
    auto const arguments = slot.in_file
                               ? std::span(static_cast<std::byte const*>(file.at), file.size)
                               : std::span<std::byte const>(slot.bytes).first(slot.size);
    // The arguments are values of their own by the time the result is written over their bytes.
    byte_sink result(slot.bytes);
    slot.result = job_slot::kind::value;
    try {
      slot.function.entry(slot.function.function, arguments, result);
    } catch (...) {
      auto const thrown = thrown_now();
      result.clear();
      encode(result, thrown.type, thrown.message);
      slot.result = job_slot::kind::error;
    }
    if (file.at != nullptr) ::munmap(file.at, file.size);
    slot.in_file = !result.fits();
    slot.size = static_cast<std::uint32_t>(slot.in_file ? 0 : result.bytes().size());
    if (slot.in_file) send_file(result.bytes());
    slot.ended = machine_now();
    hand_back(slot, job_slot::state::done);
  }

  void pass_over(job_slot& slot) {
    if (slot.in_file) ::close(take_file(next_ % slot_count));
    hand_back(slot, job_slot::state::passed);
  }

  void hand_back(job_slot& slot, job_slot::state as) {
    slot.now.store(as, std::memory_order_seq_cst);
    if (memory_.program_asleep.load(std::memory_order_seq_cst) &&
        memory_.program_asleep.exchange(false, std::memory_order_seq_cst))
      wake_program();
  }

  void send_file(std::span<std::byte const> content) {
    descriptor const file = descriptor::adopt(make_memory_file("weft-result", content));
    worker_message const about{.what = worker_message::kind::file_of_slot,
                               .number = static_cast<std::uint32_t>(next_ % slot_count)};
    int const fd = file.get();
    int const error =
        send_message(socket_, std::as_bytes(std::span(&about, 1)), {}, std::span(&fd, 1));
    if (error != 0) throw_system_error(error, "send a result");
  }

  void wake_program() {
    auto const loop = memory_.loop.load(std::memory_order_seq_cst);
    while (loop_ != loop) receive();
    std::uint64_t const one = 1;
    static_cast<void>(::write(wake_fd_, &one, sizeof one));
  }

  int take_file(std::size_t slot) {
    auto found = files_.find(slot);
    for (; found == files_.end(); found = files_.find(slot)) receive();
    int const file = found->second;
    files_.erase(found);
    return file;
  }

  void receive() {
    worker_message message{};
    std::vector<int> descriptors;
    auto const received =
        receive_message(socket_, std::as_writable_bytes(std::span(&message, 1)), descriptors);
    if (received.size <= 0) ::_exit(0);  // the program is gone
    if (descriptors.empty()) throw_system_error(EMFILE, "receive a descriptor");
    if (message.what == worker_message::kind::file_of_slot) {
      files_.emplace(message.number, descriptors.front());
      return;
    }
    if (wake_fd_ >= 0) ::close(wake_fd_);
    wake_fd_ = descriptors.front();
    loop_ = message.number;
  }

  worker_memory& memory_;
  int socket_;
  std::size_t next_ = 0;
  std::map<std::size_t, int> files_;  // that came before their slot's turn
  int wake_fd_ = -1;
  std::uint32_t loop_ = 0;
};

// The keyboard's signals are the program's to act on; it ends its workers itself.
void ignore_terminal() noexcept {
  for (int const number : {SIGINT, SIGQUIT, SIGTSTP}) ::signal(number, SIG_IGN);
}

void limit_memory(std::uint64_t bytes) noexcept {
  if (bytes == 0) return;
  rlimit const limit{.rlim_cur = bytes, .rlim_max = bytes};
  ::setrlimit(RLIMIT_AS, &limit);
}

}  // namespace

int work_for_pool(void (*)(), std::span<std::byte const> arguments, std::vector<int>& descriptors) {
  worker_start how{};
  std::memcpy(&how, arguments.data(), sizeof how);
  void* const at = ::mmap(nullptr, sizeof(worker_memory), PROT_READ | PROT_WRITE, MAP_SHARED,
                          descriptors.at(0), 0);
  if (at == MAP_FAILED) throw_system_error(errno, "mmap of a worker's memory");
  ::close(descriptors.at(0));
  auto& memory = *static_cast<worker_memory*>(at);
  memory.pid.store(::getpid(), std::memory_order_relaxed);
  ::prctl(PR_SET_NAME, "weft-worker");
  ignore_terminal();
  limit_memory(how.memory_limit);
  try {
    if (how.initializer != nullptr) how.initializer();
  } catch (...) {
    auto const thrown = thrown_now();
    auto const text = thrown.type + ": " + thrown.message;
    text.copy(memory.failure.data(), memory.failure.size() - 1);
    memory.reached.store(worker_memory::stage::failed, std::memory_order_release);
    return 1;
  }
  worker(memory, descriptors.at(1)).run();
  return 0;
}

}  // namespace weft::inline v0::detail
