// The jobs of one loop: gathered until their executors get them together, and counted until they
// are back. The loop's thread only.
#pragma once

#include <cstddef>
#include <vector>

#include "weft/detail/inbox.hpp"
#include "weft/detail/job.hpp"

namespace weft::inline v0::detail {

// An executor whose results do not come through the inbox, so the loop looks for them.
class job_source {
 public:
  // Whether a result is there.
  [[nodiscard]] virtual bool has_results() const noexcept = 0;

  // Completes the jobs whose results are there; false when there are no jobs any more.
  virtual bool collect() noexcept = 0;

  // Wants the loop to be woken by the next result; false when one is there.
  virtual bool fall_asleep() noexcept = 0;
  virtual void awake() noexcept = 0;

 protected:
  ~job_source() = default;
};

class job_desk {
 public:
  // Takes a job that its executor has admitted.
  void add(job& submitted) noexcept;

  // Takes it back, if its executor does not have it yet.
  bool take_back(job& submitted) noexcept;

  // Gives the executors what has been gathered, at the end of a tick.
  void submit() noexcept;

  void count_out() noexcept { ++away_; }
  void count_back() noexcept { --away_; }

  // How many are not back. They keep the loop alive.
  [[nodiscard]] std::size_t away() const noexcept { return away_; }

  // For as long as an executor has jobs whose results it does not send.
  void add_source(job_source& source);
  void remove_source(job_source& source) noexcept;

  void collect() noexcept;
  bool fall_asleep() noexcept;
  void awake() noexcept;

  // Waits for arrivals for as long as a short job may take, since to sleep and to be woken takes
  // longer. True if there are any.
  bool look_out(inbox const& arrivals) noexcept;

 private:
  void hand_over() noexcept;
  [[nodiscard]] bool has_results() const noexcept;

  std::vector<job_source*> sources_;
  waiter_list gathered_;
  std::size_t gathered_count_ = 0;
  std::size_t away_ = 0;
  bool submitted_in_tick_ = false;
  int looks_ = 0;     // that are left until jobs are submitted again
  int patience_ = 0;  // how many looks these bring; less while looking out is in vain
};

}  // namespace weft::inline v0::detail
