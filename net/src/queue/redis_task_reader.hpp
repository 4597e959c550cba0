// Who waits for tasks of a queue in Redis, and the one who reads them for all of those, first come,
// first served, over a connection of its own. It reads only while somebody waits, so that no task
// is leased to nobody, and meanwhile does what no server does by itself: it makes ready what is to
// be tried again, and takes what others have dropped.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "queue/redis_store.hpp"
#include "weft/event.hpp"
#include "weft/net/queue/lease.hpp"
#include "weft/net/redis/client.hpp"
#include "weft/task.hpp"
#include "weft/time.hpp"

namespace weft::inline v0::detail {

class redis_task_reader {
 public:
  // `over` is for it alone.
  redis_task_reader(redis_store& store, net::redis_client over)
      : store_(store), over_(std::move(over)) {}

  // Waits for tasks, as work_queue does, for run() to bring them.
  task<std::vector<net::lease>> take(std::size_t most);

  // Reads for those who wait, until it is cancelled.
  task<> run();

  // The leases that live begin anew.
  task<> keep_up();

  void close() noexcept { over_.close(); }

 private:
  struct taker {
    std::size_t most = 0;
    std::vector<net::lease> taken{};
    std::exception_ptr failure{};
    event answered{};
  };

  // A task that was delivered to us.
  struct delivered {
    std::string id;
    lease_ticket ticket;
    std::string value;

    delivered(stream_entry const& entry, std::uint32_t count);
  };

  [[nodiscard]] std::size_t wanted() const noexcept;
  task<> serve();
  task<> look_around();
  task<> reclaim();
  task<> read();
  task<> hand_out(std::vector<delivered> found);
  task<> release(std::vector<lease_ticket> unwanted);
  void answer_all(std::exception_ptr const& failure) noexcept;

  redis_store& store_;
  net::redis_client over_;
  std::shared_ptr<held_leases> held_ = std::make_shared<held_leases>();
  std::deque<taker*> line_;
  event has_work_;
  std::vector<lease_ticket> unwanted_;  // that came for those who had left
  bool is_idle_ = false;                // the last read brought nothing
  clock::time_point next_look_{};
  std::string reclaim_from_ = "0-0";
};

}  // namespace weft::inline v0::detail
