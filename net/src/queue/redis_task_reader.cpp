// See redis_task_reader.hpp.
#include "queue/redis_task_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>
#include <utility>

namespace weft::inline v0::detail {

using std::chrono::milliseconds;

namespace {

// In one script; a server does nothing else meanwhile.
constexpr std::size_t deliveries_most = 500;
constexpr char const* advanced_most = "100";

}  // namespace

redis_task_reader::delivered::delivered(stream_entry const& entry, std::uint32_t count)
    : id(entry.field("i")), value(entry.field("v")) {
  auto const told = entry.field("n");
  std::uint32_t before = 0;
  std::from_chars(told.data(), told.data() + told.size(), before);
  if (id.empty()) id = entry.id;
  ticket = ticket_of(entry.id, before, count);
}

task<std::vector<net::lease>> redis_task_reader::take(std::size_t most) {
  taker mine{.most = most};
  line_.push_back(&mine);
  has_work_.set();
  // Between a cancellation and this, tasks may have been given to it.
  struct at_end {
    redis_task_reader& reader;
    taker* who;
    ~at_end() {
      std::erase(reader.line_, who);
      for (auto const& each : who->taken) reader.unwanted_.push_back(each.ticket());
      if (!who->taken.empty()) reader.has_work_.set();
    }
  } const leaving{*this, &mine};
  co_await mine.answered.wait();
  if (mine.failure) std::rethrow_exception(mine.failure);
  co_return std::exchange(mine.taken, {});
}

void redis_task_reader::answer_all(std::exception_ptr const& failure) noexcept {
  for (auto* const each : line_) {
    each->failure = failure;
    each->answered.set();
  }
  line_.clear();
}

task<> redis_task_reader::run() {
  try {
    for (;;) {
      while (line_.empty() && unwanted_.empty()) {
        has_work_.reset();
        co_await has_work_.wait();
      }
      try {
        co_await serve();
      } catch (std::exception const&) {  // they may try again
        answer_all(std::current_exception());
      }
    }
  } catch (cancelled const&) {  // takers need not be: they may be in another scope
    answer_all(std::make_exception_ptr(
        std::system_error(ECANCELED, std::system_category(), "the scope of the queue has ended")));
    throw;
  }
}

std::size_t redis_task_reader::wanted() const noexcept {
  std::size_t all = 0;
  for (auto const* const each : line_)
    if (all < store_.entries_most()) all += std::min(each->most, store_.entries_most());
  return std::min(all, store_.entries_most());
}

// While there is always something to be read, that is all that is done, but for a look around once
// in a while.
task<> redis_task_reader::serve() {
  if (!unwanted_.empty()) co_await release(std::exchange(unwanted_, {}));
  if (line_.empty()) co_return;
  if (is_idle_ || now() >= next_look_) co_await look_around();
  if (!line_.empty()) co_await read();
}

task<> redis_task_reader::look_around() {
  auto const told = co_await store_.run(redis_scripts::all().advance, {advanced_most});
  auto const next_due = told.items.at(0).integer;
  bool const is_done = told.items.at(1).integer != 0;
  if (is_done) co_return answer_all(nullptr);
  next_look_ = now() + store_.look_around();
  if (next_due >= 0) next_look_ = std::min(next_look_, now() + milliseconds(next_due));
  if (!line_.empty()) co_await reclaim();
}

task<> redis_task_reader::reclaim() {
  auto const& policy = store_.policy();
  std::vector<std::string> arguments{store_.consumer(),
                                     store_.lease_milliseconds(),
                                     reclaim_from_,
                                     std::to_string(wanted()),
                                     std::to_string(policy.retry.attempts),
                                     std::to_string(policy.capacity)};
  auto told = co_await store_.run(redis_scripts::all().reclaim, std::move(arguments));
  reclaim_from_ = std::move(told.items.at(0).text);
  std::vector<delivered> found;
  for (auto& each : told.items.at(1).items) {
    auto const count = static_cast<std::uint32_t>(each.items.at(2).integer);
    found.emplace_back(stream_entry(std::move(each)), count);
  }
  co_await hand_out(std::move(found));
}

task<> redis_task_reader::read() {
  std::optional<std::chrono::nanoseconds> wait;
  if (is_idle_) wait = next_look_ - now();
  auto const entries = co_await store_.read(over_, "tasks", "workers", wanted(), wait);
  is_idle_ = entries.empty();
  std::vector<delivered> found;
  found.reserve(entries.size());
  for (auto const& each : entries) found.emplace_back(each, 1);
  co_await hand_out(std::move(found));
}

task<> redis_task_reader::hand_out(std::vector<delivered> found) {
  auto next = found.begin();
  while (next != found.end() && !line_.empty()) {
    auto& first = *line_.front();
    for (; next != found.end() && first.taken.size() < first.most; ++next)
      first.taken.emplace_back(std::move(next->id), std::move(next->ticket), std::move(next->value),
                               held_);
    line_.pop_front();
    first.answered.set();
  }
  for (; next != found.end(); ++next) unwanted_.push_back(std::move(next->ticket));
  if (!unwanted_.empty()) co_await release(std::exchange(unwanted_, {}));
}

// Those that they came for have gone. When this fails, the leases run out by themselves.
task<> redis_task_reader::release(std::vector<lease_ticket> unwanted) {
  std::vector<std::string> arguments{store_.consumer(), store_.lease_milliseconds()};
  for (auto const& each : unwanted) add_delivery(arguments, each);
  co_await store_.run(redis_scripts::all().release, std::move(arguments));
}

task<> redis_task_reader::keep_up() {
  std::vector<lease_ticket> const held(held_->begin(), held_->end());
  for (std::size_t begin = 0; begin < held.size(); begin += deliveries_most) {
    std::vector<std::string> arguments{store_.consumer()};
    for (auto i = begin; i < std::min(begin + deliveries_most, held.size()); ++i)
      add_delivery(arguments, held[i]);
    co_await store_.run(redis_scripts::all().extend, std::move(arguments));
  }
}

}  // namespace weft::inline v0::detail
