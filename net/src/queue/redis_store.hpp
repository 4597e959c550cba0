// One queue as Redis keeps it: where the server is, how its keys are called, and how this end,
// which is a consumer of its streams, runs scripts there and reads them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "queue/redis_scripts.hpp"
#include "weft/net/queue/lease.hpp"
#include "weft/net/queue/redis.hpp"
#include "weft/net/redis/client.hpp"
#include "weft/net/redis/reply.hpp"
#include "weft/scope.hpp"
#include "weft/task.hpp"

namespace weft::inline v0::detail {

// An entry of a stream.
struct stream_entry {
  std::string id;
  std::vector<net::redis_reply> fields;  // a name, its value, the next name, ...

  // Takes [id, [name, value, ...]]. One that has been deleted has no fields.
  explicit stream_entry(net::redis_reply told);

  // Empty when there is none of that name.
  [[nodiscard]] std::string field(std::string_view name) const;
};

std::vector<stream_entry> entries_in(net::redis_reply told);

// A delivery, as leases name it: the entry, and how often the task was delivered as earlier ones.
lease_ticket ticket_of(std::string const& entry, std::uint32_t before, std::uint32_t count);

// Adds what scripts know a delivery by: the entry, and how often that was delivered.
void add_delivery(std::vector<std::string>& arguments, lease_ticket const& delivery);

class redis_store {
 public:
  static constexpr std::string_view unread = ">";  // entries that no consumer has had
  static constexpr std::string_view own = "0";     // those that this one has, from the first on

  redis_store(task_scope& tasks, std::string const& server, std::string const& name,
              net::redis_queue_options const& options);

  [[nodiscard]] std::string const& name() const noexcept { return name_; }
  [[nodiscard]] net::queue_policy const& policy() const noexcept { return options_.policy; }

  // This end, and nobody else.
  [[nodiscard]] std::string const& consumer() const noexcept { return consumer_; }

  // Of a lease, in the words of Redis; at least 1.
  [[nodiscard]] std::string lease_milliseconds() const;

  // How often one who waits looks for what no server tells of by itself: leases that are over.
  [[nodiscard]] std::chrono::nanoseconds look_around() const;

  // So many entries fit into one reply, however large they are.
  [[nodiscard]] std::size_t entries_most() const noexcept;

  [[nodiscard]] std::string key(std::string_view part) const { return prefix_ + std::string(part); }

  // The lists of words stand outside the co_await: GCC 14 fails on a braced one within.

  // Runs the script and yields its reply. Here and below: a stream or a group that is missing,
  // since the server is new or was emptied, is made first; a server that is not ready is an EAGAIN,
  // which is tried again like a lost connection.
  task<net::redis_reply> run(redis_script const& script, std::vector<std::string> arguments,
                             std::vector<std::string> more_keys = {});

  // Any command.
  task<net::redis_reply> ask(std::vector<std::string> command);
  task<net::redis_reply> ask(net::redis_client& over, std::vector<std::string> command);

  // Entries of the stream, for this consumer of its group, as soon as there are any; none when the
  // time is up, or at once when there is none. `over` has this one reader alone: others would wait.
  task<std::vector<stream_entry>> read(net::redis_client& over, std::string_view stream,
                                       std::string_view group, std::size_t most,
                                       std::optional<std::chrono::nanoseconds> wait,
                                       std::string_view from = unread);

  // Ends the connection. Those of readers are theirs.
  void close() noexcept { commands_.close(); }

 private:
  task<> make_groups();

  std::string name_;
  std::string prefix_;
  net::redis_queue_options options_;
  std::string consumer_;
  net::redis_client commands_;
};

}  // namespace weft::inline v0::detail
