// See weft/net/queue/redis.hpp. What the keys hold is in redis_scripts.cpp.
#include "weft/net/queue/redis.hpp"

#include <cerrno>
#include <iterator>
#include <system_error>
#include <utility>

#include "queue/message.hpp"
#include "queue/redis_result_reader.hpp"
#include "queue/redis_scripts.hpp"
#include "queue/redis_store.hpp"
#include "queue/redis_task_reader.hpp"
#include "queue/refusal.hpp"
#include "weft/error.hpp"
#include "weft/time.hpp"

namespace weft::inline v0::net {

using detail::redis_scripts;
using std::chrono::milliseconds;

namespace {

// In one script. A server does nothing else while it runs one, so entries count as no smaller than
// the time that they take.
constexpr std::size_t batch_bytes = 1 << 20;
constexpr std::size_t entry_bytes = 512;

// How often one who waits for room asks; jittered, since many may.
constexpr milliseconds room_interval{100};

constexpr char const* keys_known_for_seconds = "86400";

constexpr std::chrono::hours consumers_known_for{24};

}  // namespace

// Held by the queue and by its children.
struct redis_queue::state {
  task_scope& scope;
  detail::redis_store store;
  detail::redis_task_reader tasks;
  detail::redis_result_reader results;
  join_handle<void> reading{};
  join_handle<void> keeping_up{};

  state(task_scope& parent, std::string const& server, std::string const& name,
        redis_queue_options const& options)
      : scope(parent),
        store(parent, server, name, options),
        tasks(store, redis_client(parent, server, options.redis)),
        results(store, redis_client(parent, server, options.redis)) {}

  // Starts the children, if they do not run.
  static void start(std::shared_ptr<state> const& of);

  // The children hold this, and must not be held by it any more.
  void end() noexcept {
    for (auto const& each : {std::exchange(reading, {}), std::exchange(keeping_up, {})})
      if (each) each.cancel();
    store.close();
    tasks.close();
    results.close();
  }

 private:
  static task<> read(std::shared_ptr<state> of) { co_await of->tasks.run(); }
  static task<> keep_up(std::shared_ptr<state> of);
};

void redis_queue::state::start(std::shared_ptr<state> const& of) {
  if (!of->reading || of->reading.ended()) of->reading = of->scope.spawn(read(of));
  if (!of->keeping_up || of->keeping_up.ended()) of->keeping_up = of->scope.spawn(keep_up(of));
}

task<> redis_queue::state::keep_up(std::shared_ptr<state> of) {
  bool has_tidied = false;
  for (;;) {
    co_await sleep_for(of->store.policy().lease / 3);
    try {
      co_await of->tasks.keep_up();
      co_await of->results.keep_up();
      if (has_tidied) continue;
      co_await of->store.run(redis_scripts::all().forget_consumers,
                             {std::to_string(milliseconds(consumers_known_for).count())});
      has_tidied = true;
    } catch (std::exception const&) {}  // there is a next time before leases are over
  }
}

redis_queue::redis_queue(task_scope& tasks, std::string const& server, std::string const& name,
                         redis_queue_options const& options)
    : work_queue(options.reconnect),
      state_(std::make_shared<state>(tasks, server, name, options)) {}

redis_queue::~redis_queue() { state_->end(); }

// Of several batches the first may be put when a later one fails: then that is no failure before
// asking, after which all would be put again.
task<std::vector<std::string>> redis_queue::try_put(std::vector<new_task> const& tasks,
                                                    when_full at_limit) {
  auto& store = state_->store;
  auto const& policy = store.policy();
  for (auto const& each : tasks) check_size("task", each.value.size(), policy.value_limit_bytes);
  std::vector<std::string> ids;
  while (ids.size() < tasks.size()) {
    auto const end = detail::end_of_batch(tasks, ids.size(), batch_bytes, [](new_task const& each) {
      return each.value.size() + each.key.size() + entry_bytes;
    });
    std::vector<std::string> arguments{std::to_string(policy.capacity),
                                       at_limit == when_full::wait ? "wait" : "refuse",
                                       keys_known_for_seconds};
    std::vector<std::string> keys;
    for (auto i = ids.size(); i < end; ++i) {
      auto const& [value, key] = tasks[i];
      arguments.push_back(value);
      arguments.emplace_back(key.empty() ? "0" : "1");
      if (!key.empty()) keys.push_back(store.key("key:") + key);
    }
    redis_reply put;
    try {
      put = co_await store.run(redis_scripts::all().put, std::move(arguments), std::move(keys));
    } catch (std::system_error const& error) {
      if (ids.empty()) throw;
      detail::throw_system_error(ECONNRESET, error.what());
    }
    if (put.text == "closed") detail::throw_closed(store.name());
    if (put.text == "full") detail::throw_full(store.name());
    for (auto& each : put.items) ids.push_back(std::move(each.text));
    if (ids.size() < end) co_await sleep_for(room_interval * (0.75 + detail::random_unit() / 2));
  }
  co_return ids;
}

task<std::vector<lease>> redis_queue::try_take(std::size_t most) {
  state::start(state_);
  co_return co_await state_->tasks.take(most);
}

task<std::vector<std::string>> redis_queue::try_ack(std::vector<finished_task> const& all) {
  auto& store = state_->store;
  for (auto const& each : all)
    check_size("result", each.result.size(), store.policy().value_limit_bytes);
  std::vector<std::string> lost;
  for (std::size_t begin = 0; begin < all.size();) {
    auto const end = detail::end_of_batch(all, begin, batch_bytes, [](finished_task const& each) {
      return each.result.size() + entry_bytes;
    });
    std::vector<std::string> arguments{store.consumer()};
    for (; begin < end; ++begin) {
      auto const& [done, result] = all[begin];
      detail::add_delivery(arguments, done.ticket());
      arguments.push_back(done.id());
      arguments.push_back(result);
    }
    auto told = co_await store.run(redis_scripts::all().ack, std::move(arguments));
    for (auto& each : told.items) lost.push_back(std::move(each.text));
  }
  co_return lost;
}

task<bool> redis_queue::try_fail(lease const& failed, std::string const& error) {
  auto& store = state_->store;
  auto const& policy = store.policy();
  auto const delay = std::chrono::ceil<milliseconds>(
      detail::retry_delay(policy.retry, static_cast<int>(failed.delivery())));
  std::vector<std::string> arguments{store.consumer()};
  detail::add_delivery(arguments, failed.ticket());
  for (auto& each : {failed.id(), std::to_string(failed.delivery()),
                     std::to_string(policy.retry.attempts), std::to_string(delay.count()),
                     std::string(detail::cut_text(error, detail::error_bytes_max)),
                     std::to_string(policy.capacity)})
    arguments.push_back(each);
  auto const told = co_await store.run(redis_scripts::all().fail, std::move(arguments));
  co_return told.integer != 0;
}

task<std::vector<work_result>> redis_queue::try_results(std::size_t most) {
  state::start(state_);
  co_return co_await state_->results.take(most);
}

task<queue_depth> redis_queue::try_depth() {
  auto const told = co_await state_->store.run(redis_scripts::all().depth, {});
  auto const number = [&](std::size_t at) {
    return static_cast<std::size_t>(told.items.at(at).integer);
  };
  co_return {.ready = number(0),
             .delayed = number(1),
             .leased = number(2),
             .dead = number(3),
             .results = number(4)};
}

task<> redis_queue::try_set_open(bool open) {
  auto& store = state_->store;
  std::vector<std::string> command{open ? "DEL" : "SET", store.key("closed")};
  if (!open) command.emplace_back("1");
  co_await store.ask(std::move(command));
}

}  // namespace weft::inline v0::net
