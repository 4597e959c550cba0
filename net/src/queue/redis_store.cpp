// See redis_store.hpp.
#include "queue/redis_store.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <iterator>
#include <stdexcept>

#include <fmt/format.h>

#include "queue/message.hpp"
#include "queue/refusal.hpp"
#include "weft/error.hpp"

namespace weft::inline v0::detail {

using net::redis_error;
using net::redis_reply;
using std::chrono::milliseconds;

namespace {

// Of what an entry has beside one value: an error, and what the protocol says of them.
constexpr std::size_t beside_value_bytes = error_bytes_max + 1'024;

// What a server refuses now and may do later: it loads its data, runs somebody's script, or is a
// replica, or in a cluster, whose master is about to be another.
bool is_passing(redis_error const& error) {
  static constexpr std::array<std::string_view, 7> codes{
      "LOADING", "BUSY", "TRYAGAIN", "MASTERDOWN", "CLUSTERDOWN", "READONLY", "NOREPLICAS"};
  return std::ranges::find(codes, error.code()) != codes.end();
}

std::string random_name() {
  std::uint64_t random = 0;
  // So few bytes come whole, once the kernel has any at all (getrandom(2)).
  if (::getrandom(&random, sizeof random, 0) != sizeof random)
    throw_system_error(errno, "getrandom");
  return fmt::format("{:016x}", random);
}

void check(std::string const& name, net::redis_queue_options const& options) {
  check_queue_name(name);
  if (name.empty() || name.find_first_of("{}") != std::string::npos)
    throw std::invalid_argument(
        fmt::format("weft: '{}' cannot name a queue of Redis: it is empty, or has braces", name));
  check_queue_policy(options.policy);
  if (options.policy.value_limit_bytes + beside_value_bytes > options.redis.reply_limit_bytes)
    throw std::invalid_argument(
        fmt::format("weft: values of {} bytes do not fit into replies of {}",
                    options.policy.value_limit_bytes, options.redis.reply_limit_bytes));
}

}  // namespace

stream_entry::stream_entry(redis_reply told)
    : id(std::move(told.items.at(0).text)), fields(std::move(told.items.at(1).items)) {}

std::string stream_entry::field(std::string_view name) const {
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2)
    if (fields[i].text == name) return fields[i + 1].text;
  return {};
}

std::vector<stream_entry> entries_in(redis_reply told) {
  std::vector<stream_entry> entries;
  entries.reserve(told.items.size());
  for (auto& each : told.items) entries.emplace_back(std::move(each));
  return entries;
}

lease_ticket ticket_of(std::string const& entry, std::uint32_t before, std::uint32_t count) {
  return {.entry = fmt::format("{}/{}", entry, before), .delivery = before + count};
}

void add_delivery(std::vector<std::string>& arguments, lease_ticket const& delivery) {
  auto const slash = std::min(delivery.entry.find('/'), delivery.entry.size());
  std::string const before = delivery.entry.substr(slash);
  std::uint32_t earlier = 0;
  if (!before.empty()) std::from_chars(&before[1], before.data() + before.size(), earlier);
  arguments.push_back(delivery.entry.substr(0, slash));
  arguments.push_back(std::to_string(delivery.delivery - earlier));
}

redis_store::redis_store(task_scope& tasks, std::string const& server, std::string const& name,
                         net::redis_queue_options const& options)
    : name_((check(name, options), name)),
      prefix_("weft:{" + name + "}:"),
      options_(options),
      consumer_(random_name()),
      commands_(tasks, server, options.redis) {}

std::string redis_store::lease_milliseconds() const {
  return std::to_string(std::chrono::ceil<milliseconds>(policy().lease).count());
}

std::chrono::nanoseconds redis_store::look_around() const {
  return std::min<std::chrono::nanoseconds>(policy().lease / 4, milliseconds(500));
}

std::size_t redis_store::entries_most() const noexcept {
  return options_.redis.reply_limit_bytes / (policy().value_limit_bytes + beside_value_bytes);
}

task<redis_reply> redis_store::ask(std::vector<std::string> command) {
  co_return co_await ask(commands_, std::move(command));
}

task<redis_reply> redis_store::ask(net::redis_client& over, std::vector<std::string> command) {
  for (bool has_groups = false;; has_groups = true) {
    try {
      co_return co_await over.command(command);
    } catch (redis_error const& error) {
      if (is_passing(error)) throw_system_error(EAGAIN, std::string("redis: ") + error.what());
      if (has_groups || error.code() != "NOGROUP") throw;
    }
    co_await make_groups();
  }
}

// From the first entry on: tasks may have been put before anybody wanted to take any.
task<> redis_store::make_groups() {
  static constexpr std::array<std::pair<char const*, char const*>, 2> groups{
      {{"tasks", "workers"}, {"results", "takers"}}};
  for (auto const& [stream, group] : groups) {
    try {
      co_await commands_.command("XGROUP", "CREATE", key(stream), group, "0", "MKSTREAM");
    } catch (redis_error const& error) {  // somebody else may have made it meanwhile
      if (error.code() != "BUSYGROUP") throw;
    }
  }
}

task<redis_reply> redis_store::run(redis_script const& script, std::vector<std::string> arguments,
                                   std::vector<std::string> more_keys) {
  std::vector<std::string> command{
      "EVALSHA",    script.digest(), std::to_string(5 + more_keys.size()),
      key("tasks"), key("results"),  key("delayed"),
      key("dead"),  key("closed")};
  std::ranges::move(more_keys, std::back_inserter(command));
  std::ranges::move(arguments, std::back_inserter(command));
  try {
    co_return co_await ask(command);
  } catch (redis_error const& error) {  // the server has not seen it yet, or has forgotten it
    if (error.code() != "NOSCRIPT") throw;
  }
  command[0] = "EVAL";
  command[1] = script.text();
  co_return co_await ask(std::move(command));
}

task<std::vector<stream_entry>> redis_store::read(net::redis_client& over, std::string_view stream,
                                                  std::string_view group, std::size_t most,
                                                  std::optional<std::chrono::nanoseconds> wait,
                                                  std::string_view from) {
  std::vector<std::string> command{"XREADGROUP", "GROUP", std::string(group),
                                   consumer_,    "COUNT", std::to_string(most)};
  if (wait) {  // 0 is for ever
    auto const time = std::max(std::chrono::ceil<milliseconds>(*wait), milliseconds(1));
    command.insert(command.end(), {"BLOCK", std::to_string(time.count())});
  }
  command.insert(command.end(), {"STREAMS", key(stream), std::string(from)});
  redis_reply reply;
  try {
    reply = co_await ask(over, std::move(command));
  } catch (
      redis_error const& error) {  // the stream was deleted meanwhile, or the master is another
    if (error.code() != "UNBLOCKED") throw;
  }
  if (reply.items.empty()) co_return std::vector<stream_entry>();
  co_return entries_in(std::move(reply.items[0].items.at(1)));
}

}  // namespace weft::inline v0::detail
