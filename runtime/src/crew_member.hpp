// One worker of a process_crew as the program sees it: the memory that both share, the slots in it,
// and the socket for what does not fit into them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>

#include "fork_server.hpp"
#include "weft/descriptor.hpp"
#include "weft/detail/process_job.hpp"
#include "weft/process_pool.hpp"
#include "worker_memory.hpp"

namespace weft::inline v0::detail {

class process_worker {
 public:
  struct memory_deleter {
    void operator()(worker_memory* memory) const noexcept;
  };

  // Starts the process.
  process_worker(fork_server& server, process_pool_options const& options);

  [[nodiscard]] worker_memory& memory() const noexcept { return *memory_; }
  [[nodiscard]] std::shared_ptr<remote_child> const& child() const noexcept { return child_; }

  // Sends a descriptor; false when there is no room for it now.
  bool send(worker_message const& about, int fd) const noexcept;

  // The file that came for a slot. Throws std::system_error.
  descriptor take_file(std::uint32_t slot);

  [[nodiscard]] job_slot& slot(std::uint32_t number) const noexcept {
    return memory_->slots[number % slot_count];
  }
  [[nodiscard]] process_job*& job_in(std::uint32_t number) noexcept {
    return jobs_[number % slot_count];
  }
  [[nodiscard]] job_slot::state state_of(std::uint32_t number) const noexcept {
    return slot(number).now.load(std::memory_order_seq_cst);
  }

  // Takes a job back that has not begun.
  bool withdraw(std::uint32_t number) noexcept {
    auto queued = job_slot::state::queued;
    return slot(number).now.compare_exchange_strong(queued, job_slot::state::withdrawn,
                                                    std::memory_order_acq_rel);
  }

  // The slots in use are those from `first` until before `last`; the numbers wrap around.
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  [[nodiscard]] std::uint32_t used() const noexcept { return last - first; }
  // How many have a job: one that was withdrawn leaves its slot empty.
  [[nodiscard]] std::uint32_t jobs() const noexcept {
    std::uint32_t count = 0;
    for (std::uint32_t number = first; number != last; ++number)
      if (jobs_[number % slot_count] != nullptr) ++count;
    return count;
  }

  std::uint64_t assigned = 0;    // jobs, since it was started
  std::int64_t first_since = 0;  // when `first` became what it is, on machine_now()
  bool has_no_room = false;      // for a descriptor, until it has done something
  bool to_be_rung = false;
  bool beyond_deadline = false;  // it is being killed for that
  bool is_ending = false;        // killed, or asked to end; it gets no jobs

 private:
  std::unique_ptr<worker_memory, memory_deleter> memory_;
  descriptor socket_;
  std::shared_ptr<remote_child> child_;
  std::array<process_job*, slot_count> jobs_{};
  std::map<std::uint32_t, descriptor> files_;  // that came before anybody asked
};

}  // namespace weft::inline v0::detail
