// See redis_result_reader.hpp.
#include "queue/redis_result_reader.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace weft::inline v0::detail {

namespace {

constexpr std::string_view stream = "results";
constexpr std::string_view group = "takers";

net::work_result result_in(stream_entry const& entry) {
  using kind = net::work_result::kind;
  return {entry.field("i"), entry.field("k") == "dead" ? kind::dead : kind::done, entry.field("v"),
          entry.field("e")};
}

}  // namespace

task<std::vector<net::work_result>> redis_result_reader::take(std::size_t most) {
  if (!unconfirmed_.empty()) co_await confirm();
  for (;;) {
    std::vector<net::work_result> results;
    for (auto const& each : co_await find(std::min(most, store_.entries_most()))) {
      unconfirmed_.push_back(each.id);
      results.push_back(result_in(each));
    }
    if (!results.empty()) co_return results;
    auto const ends = co_await store_.run(redis_scripts::all().has_no_more_results, {});
    if (ends.integer != 0) co_return results;
  }
}

task<> redis_result_reader::confirm() {
  co_await store_.run(redis_scripts::all().confirm_results, unconfirmed_);
  unconfirmed_.clear();
}

// A read that is cut short may have had its effect on the server. So what is ours there is looked
// at before anything else is read: it was not confirmed, since all that arrived was. The commands
// of one connection are done in their order, also those whose replies nobody waits for.
task<std::vector<stream_entry>> redis_result_reader::find(std::size_t most) {
  if (is_in_doubt_) {
    auto found = co_await store_.read(over_, stream, group, most, std::nullopt, redis_store::own);
    std::erase_if(found, [](auto const& each) { return each.fields.empty(); });  // deleted
    if (!found.empty()) co_return found;
  }
  is_in_doubt_ = true;
  std::vector<stream_entry> found;
  if (is_idle_ || now() >= next_look_) found = co_await reclaim(most);
  if (found.empty()) {
    std::optional<std::chrono::nanoseconds> wait;
    if (is_idle_) wait = store_.look_around();
    found = co_await store_.read(over_, stream, group, most, wait);
    is_idle_ = found.empty();
  }
  is_in_doubt_ = false;
  co_return found;
}

// Of takers that have gone.
task<std::vector<stream_entry>> redis_result_reader::reclaim(std::size_t most) {
  next_look_ = now() + store_.look_around();
  std::vector<std::string> command{
      "XAUTOCLAIM",      store_.key(stream),          std::string(group),
      store_.consumer(), store_.lease_milliseconds(), reclaim_from_,
      "COUNT",           std::to_string(most)};
  auto told = co_await store_.ask(over_, std::move(command));
  reclaim_from_ = std::move(told.items.at(0).text);
  co_return entries_in(std::move(told.items.at(1)));
}

task<> redis_result_reader::keep_up() {
  if (unconfirmed_.empty()) co_return;
  std::vector<std::string> arguments{store_.consumer()};
  arguments.insert(arguments.end(), unconfirmed_.begin(), unconfirmed_.end());
  co_await store_.run(redis_scripts::all().extend_results, std::move(arguments));
}

}  // namespace weft::inline v0::detail
