// See task_list.hpp.
#include "queue/task_list.hpp"

#include <algorithm>
#include <iterator>

#include "queue/message.hpp"

namespace weft::inline v0::detail {

task_list::task_list(net::queue_policy const& policy, std::function<time(int failures)> delay_after)
    : policy_(policy), delay_after_(std::move(delay_after)) {}

std::optional<std::uint64_t> task_list::put(std::string&& value, std::string const& key) {
  if (!key.empty())
    if (auto const known = by_key_.find(key); known != by_key_.end()) return known->second;
  if (room() == 0) return std::nullopt;
  std::uint64_t const id = ++last_id_;
  tasks_.emplace(id, entry{.value = std::move(value), .last_error = {}});
  ready_.push_back(id);
  if (key.empty()) return id;
  by_key_.emplace(key, id);
  keys_.push_back(key);
  if (keys_.size() > policy_.capacity) {
    by_key_.erase(keys_.front());
    keys_.pop_front();
  }
  return id;
}

std::vector<delivered_task> task_list::take(std::size_t most, std::size_t limit_bytes,
                                            std::uint64_t holder, time now) {
  std::vector<delivered_task> taken;
  for (std::size_t bytes = 0; taken.size() < most && bytes < limit_bytes && !ready_.empty();) {
    std::uint64_t const id = ready_.front();
    entry& task = tasks_.at(id);
    if (!taken.empty() && bytes + task.value.size() > limit_bytes) break;
    ready_.pop_front();
    task.where = place::leased;
    task.holder = holder;
    task.due = now + policy_.lease.count();
    due_.emplace(task.due, id);
    ++leased_;
    bytes += task.value.size() + entry_overhead_bytes;
    taken.push_back({.lease = {.id = id, .delivery = ++task.deliveries}, .value = task.value});
  }
  return taken;
}

task_list::entries::iterator task_list::held(task_lease const& wanted, std::uint64_t holder) {
  auto const found = tasks_.find(wanted.id);
  bool const is_held = found != tasks_.end() && found->second.where == place::leased &&
                       found->second.deliveries == wanted.delivery &&
                       found->second.holder == holder;
  return is_held ? found : tasks_.end();
}

bool task_list::ack(task_lease const& lease, std::uint64_t holder, std::string result) {
  auto const found = held(lease, holder);
  if (found == tasks_.end()) return false;
  finish(found, {.id = lease.id, .value = std::move(result), .error = {}});
  return true;
}

void task_list::finish(entries::iterator ended, task_result result) {
  due_.erase({ended->second.due, ended->first});
  --leased_;
  results_.push_back(std::move(result));
  tasks_.erase(ended);
}

void task_list::give_up(entries::iterator ended, std::string error) {
  ++dead_;
  auto value = std::move(ended->second.value);
  finish(ended, {.id = ended->first,
                 .value = std::move(value),
                 .is_failure = true,
                 .error = std::move(error)});
}

bool task_list::fail(task_lease const& lease, std::uint64_t holder, std::string error, time now) {
  auto const found = held(lease, holder);
  if (found == tasks_.end()) return false;
  entry& task = found->second;
  if (task.deliveries >= static_cast<std::uint32_t>(policy_.retry.attempts)) {
    give_up(found, std::move(error));
    return true;
  }
  due_.erase({task.due, found->first});
  task.last_error = std::move(error);
  task.where = place::delayed;
  task.due = now + delay_after_(static_cast<int>(task.deliveries));
  due_.emplace(task.due, found->first);
  --leased_;
  ++delayed_;
  return true;
}

bool task_list::extend(task_lease const& lease, std::uint64_t holder, time now) {
  auto const found = held(lease, holder);
  if (found == tasks_.end()) return false;
  due_.erase({found->second.due, found->first});
  found->second.due = now + policy_.lease.count();
  due_.emplace(found->second.due, found->first);
  return true;
}

void task_list::release(task_lease const& lease, std::uint64_t holder) {
  auto const found = held(lease, holder);
  if (found == tasks_.end()) return;
  --found->second.deliveries;
  make_ready(found);
}

void task_list::make_ready(entries::iterator returned) {
  entry& task = returned->second;
  due_.erase({task.due, returned->first});
  task.where = place::ready;
  task.due = never;
  --leased_;
  ready_.push_front(returned->first);
}

// Of a lease whose holder has gone.
void task_list::give_back(entries::iterator returned) {
  entry const& task = returned->second;
  if (task.deliveries < static_cast<std::uint32_t>(policy_.retry.attempts))
    return make_ready(returned);
  give_up(returned,
          task.last_error.empty() ? std::string("its workers have gone") : task.last_error);
}

void task_list::release_all(std::uint64_t holder) {
  std::vector<std::uint64_t> theirs;
  for (auto const& [due, id] : due_)
    if (auto const& task = tasks_.at(id); task.where == place::leased && task.holder == holder)
      theirs.push_back(id);
  std::ranges::sort(theirs, std::greater());  // the oldest comes to the front last
  for (auto const id : theirs) give_back(tasks_.find(id));
  auto const back = unconfirmed_.find(holder);
  if (back == unconfirmed_.end()) return;
  results_.insert(results_.begin(), std::move_iterator(back->second.begin()),
                  std::move_iterator(back->second.end()));
  unconfirmed_.erase(back);
}

task_list::time task_list::advance(time now) {
  while (!due_.empty() && due_.begin()->first <= now) {
    auto const found = tasks_.find(due_.begin()->second);
    if (found->second.where == place::leased) {
      give_back(found);
      continue;
    }
    due_.erase(due_.begin());
    found->second.where = place::ready;
    found->second.due = never;
    --delayed_;
    ready_.push_back(found->first);
  }
  return next_due();
}

std::vector<task_result> task_list::take_results(std::size_t most, std::size_t limit_bytes,
                                                 std::uint64_t holder) {
  std::size_t count = 0;
  for (std::size_t bytes = 0; count < std::min(most, results_.size()); ++count) {
    auto const& next = results_[count];
    bytes += next.value.size() + next.error.size() + entry_overhead_bytes;
    if (count != 0 && bytes > limit_bytes) break;
  }
  auto const end = results_.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<task_result> taken(results_.begin(), end);
  if (count == 0) return taken;
  auto& theirs = unconfirmed_[holder];
  theirs.insert(theirs.end(), std::move_iterator(results_.begin()), std::move_iterator(end));
  results_.erase(results_.begin(), end);
  return taken;
}

void task_list::confirm_results(std::uint64_t holder) { unconfirmed_.erase(holder); }

net::queue_depth task_list::depth() const noexcept {
  return {.ready = ready_.size(),
          .delayed = delayed_,
          .leased = leased_,
          .dead = dead_,
          .results = results_.size()};
}

}  // namespace weft::inline v0::detail
