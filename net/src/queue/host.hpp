// All queues of a server, their time, and what the connections of the server share.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "queue/refusal_log.hpp"
#include "queue/served_queue.hpp"
#include "weft/detail/codec.hpp"
#include "weft/event.hpp"
#include "weft/net/queue/server.hpp"
#include "weft/task.hpp"
#include "weft/time.hpp"

namespace weft::inline v0::detail {

inline task_list::time queue_time() noexcept { return now().time_since_epoch().count(); }

class queue_host {
 public:
  // `name` is what the log calls the server; the delay is as task_list takes it.
  queue_host(net::queue_server_options options, std::string name,
             std::function<task_list::time(int failures)> delay_after);

  [[nodiscard]] net::queue_server_options const& options() const noexcept { return options_; }
  [[nodiscard]] std::size_t frame_bytes_max() const noexcept {
    return options_.policy.value_limit_bytes + frame_overhead_bytes;
  }
  [[nodiscard]] refusal_log& refusals() noexcept { return refusals_; }

  // For a connection that has the key.
  [[nodiscard]] std::uint64_t next_number() noexcept { return ++last_number_; }

  // Does what a client asks, or has it wait. Throws frame_error for what means nothing.
  void handle(queue_asker& by, std::string_view message, task_list::time now);

  // The asker is gone from all of them.
  void forget(queue_asker const& gone) noexcept;

  // Who takes gets nothing from now on.
  void end();

  // Brings back what is due by now; or again and again, until it is cancelled.
  void advance(task_list::time now);
  task<> keep_time();

 private:
  // The queue of this name, which is made if need be; null when there are too many.
  served_queue* queue(std::string const& name, task_list::time now);

  void handle(queue_request from, std::string_view operation, served_queue& asked,
              byte_source& arguments, task_list::time now) const;

  net::queue_server_options options_;
  std::function<task_list::time(int failures)> delay_after_;
  refusal_log refusals_;
  std::map<std::string, served_queue> queues_;
  std::uint64_t last_number_ = 0;
  task_list::time next_due_ = task_list::never;
  event changed_;
  bool has_ended_ = false;
};

}  // namespace weft::inline v0::detail
