// Results of a queue in Redis, read over a connection of their own: each is this taker's until it
// is confirmed, by asking for the next, or until the taker has been silent for as long as a lease.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "queue/redis_store.hpp"
#include "weft/net/queue/result.hpp"
#include "weft/net/redis/client.hpp"
#include "weft/task.hpp"
#include "weft/time.hpp"

namespace weft::inline v0::detail {

class redis_result_reader {
 public:
  // `over` is for it alone.
  redis_result_reader(redis_store& store, net::redis_client over)
      : store_(store), over_(std::move(over)) {}

  // Confirms what it yielded before and waits for results, at most `most` of them; yields none when
  // none will ever come again. One at a time.
  task<std::vector<net::work_result>> take(std::size_t most);

  // What is not confirmed yet remains this taker's.
  task<> keep_up();

  void close() noexcept { over_.close(); }

 private:
  task<> confirm();
  task<std::vector<stream_entry>> find(std::size_t most);
  task<std::vector<stream_entry>> reclaim(std::size_t most);

  redis_store& store_;
  net::redis_client over_;
  std::vector<std::string> unconfirmed_;  // entries
  bool is_in_doubt_ = false;              // the server may have given us some that never arrived
  bool is_idle_ = false;                  // the last read brought nothing
  clock::time_point next_look_{};
  std::string reclaim_from_ = "0-0";
};

}  // namespace weft::inline v0::detail
