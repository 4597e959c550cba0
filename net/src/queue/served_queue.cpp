// See served_queue.hpp.
#include "queue/served_queue.hpp"

#include <algorithm>
#include <new>
#include <optional>
#include <ranges>

namespace weft::inline v0::detail {

namespace {

using text = std::string_view;

// The first waiting request can be answered as long as `answer` says so.
template <class Waiting, class Answer>
void answer_first(Waiting& waiting, Answer answer) {
  while (!waiting.empty() && answer()) waiting.pop_front();
}

template <class Waiting>
bool remove_from(Waiting& waiting, queue_request const& wanted) {
  return std::erase_if(waiting, [&](auto const& each) { return each.from == wanted; }) != 0;
}

}  // namespace

void served_queue::put(queue_request from, std::vector<keyed_value> tasks, bool waits, time now) {
  if (!tasks_.is_open()) return from.answer(queue_status::closed);
  waiting_put added{.from = from, .tasks = std::move(tasks), .ids = {}};
  if (waits) {
    putting_.push_back(std::move(added));
  } else {
    auto const is_new = [&](auto const& each) { return !tasks_.knows(each.first); };
    auto const count = static_cast<std::size_t>(std::ranges::count_if(added.tasks, is_new));
    bool const has_room = count == 0 || (putting_.empty() && count <= tasks_.room());
    if (!has_room || !put_what_fits(added)) return from.answer(queue_status::full);
    from.answer(queue_status::done, added.ids);
  }
  settle(now);
}

void served_queue::take(queue_request from, std::size_t most, time now) {
  taking_.push_back({.from = from, .most = most});
  settle(now);
}

void served_queue::ack(queue_request from, std::vector<result> results, time now) {
  std::vector<std::uint64_t> lost;
  for (auto& [id, delivery, value] : results)
    if (!tasks_.ack({.id = id, .delivery = delivery}, from.by->number(), std::move(value)))
      lost.push_back(id);
  from.answer(queue_status::done, lost);
  settle(now);
}

void served_queue::fail(queue_request from, delivery failed, std::string error, time now) {
  std::vector<std::uint64_t> lost;
  if (!tasks_.fail({.id = failed.first, .delivery = failed.second}, from.by->number(),
                   std::move(error), now))
    lost.push_back(failed.first);
  from.answer(queue_status::done, lost);
  settle(now);
}

void served_queue::extend(queue_request from, std::vector<delivery> const& held, time now) {
  std::vector<std::uint64_t> lost;
  for (auto const& [id, delivery] : held)
    if (!tasks_.extend({.id = id, .delivery = delivery}, from.by->number(), now))
      lost.push_back(id);
  from.answer(queue_status::done, lost);
}

void served_queue::release(queue_request from, std::vector<delivery> const& held, time now) {
  for (auto const& [id, count] : std::views::reverse(held))  // the first to the front
    tasks_.release({.id = id, .delivery = count}, from.by->number());
  from.answer(queue_status::done);
  settle(now);
}

void served_queue::results(queue_request from, std::size_t most, time now) {
  tasks_.confirm_results(from.by->number());
  taking_results_.push_back({.from = from, .most = most});
  settle(now);
}

void served_queue::depth(queue_request from) const {
  auto const of = tasks_.depth();
  from.answer(queue_status::done, of.ready, of.delayed, of.leased, of.dead, of.results);
}

void served_queue::set_open(queue_request from, bool open, time now) {
  tasks_.set_open(open);
  from.answer(queue_status::done);
  settle(now);
}

void served_queue::cancel(queue_request waiting) {
  if (remove_from(putting_, waiting) || remove_from(taking_, waiting) ||
      remove_from(taking_results_, waiting))
    waiting.answer(queue_status::cancelled);
}

void served_queue::forget(queue_asker const& gone) noexcept {
  auto const is_theirs = [&](auto const& each) { return each.from.by == &gone; };
  std::erase_if(putting_, is_theirs);
  std::erase_if(taking_, is_theirs);
  std::erase_if(taking_results_, is_theirs);
  try {
    tasks_.release_all(gone.number());
  } catch (std::bad_alloc const&) {}  // leases run out by themselves
}

void served_queue::end(time now) {
  has_ended_ = true;
  settle(now);
}

served_queue::time served_queue::advance(time now) {
  auto const next = tasks_.advance(now);
  settle(now);
  return next;
}

// Results that are taken make room for tasks, and tasks that are put are there to be taken.
void served_queue::settle(time now) {
  answer_first(taking_results_, [&] { return answer_results(); });
  answer_first(putting_, [&] { return answer_put(); });
  answer_first(taking_, [&] { return answer_take(now); });
}

bool served_queue::answer_results() {
  auto const& [from, most] = taking_results_.front();
  bool const ends = tasks_.has_no_more_results() || (has_ended_ && !tasks_.has_results());
  if (!tasks_.has_results() && !ends) return false;
  auto const taken = tasks_.take_results(most, answer_bytes_, from.by->number());
  std::vector<std::tuple<std::uint64_t, bool, msgpack::type::raw_ref, text>> told;
  told.reserve(taken.size());
  for (auto const& each : taken)
    told.emplace_back(each.id, each.is_failure, blob(each.value), each.error);
  from.answer(queue_status::done, told);
  return true;
}

bool served_queue::answer_put() {
  auto& first = putting_.front();
  if (!tasks_.is_open()) {
    first.from.answer(queue_status::closed);
    return true;
  }
  if (!put_what_fits(first)) return false;
  first.from.answer(queue_status::done, first.ids);
  return true;
}

// False when there is no room for the rest.
bool served_queue::put_what_fits(waiting_put& added) {
  for (auto i = added.ids.size(); i < added.tasks.size(); ++i) {
    auto const id = tasks_.put(std::move(added.tasks[i].second), added.tasks[i].first);
    if (!id) return false;  // the value is still there: it was not moved from
    added.ids.push_back(*id);
  }
  return true;
}

bool served_queue::answer_take(time now) {
  auto const& [from, most] = taking_.front();
  bool const ends = tasks_.is_done() || has_ended_;
  if (!tasks_.has_ready() && !ends) return false;
  std::vector<delivered_task> taken;
  if (!has_ended_) taken = tasks_.take(most, answer_bytes_, from.by->number(), now);
  std::vector<std::tuple<std::uint64_t, std::uint32_t, msgpack::type::raw_ref>> told;
  told.reserve(taken.size());
  for (auto const& each : taken)
    told.emplace_back(each.lease.id, each.lease.delivery, blob(each.value));
  from.answer(queue_status::done, told);
  return true;
}

}  // namespace weft::inline v0::detail
