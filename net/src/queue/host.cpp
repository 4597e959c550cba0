// See host.hpp.
#include "queue/host.hpp"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "queue/message.hpp"
#include "weft/timeout.hpp"

namespace weft::inline v0::detail {

namespace {

constexpr std::size_t queues_max = 10'000;

}  // namespace

queue_host::queue_host(net::queue_server_options options, std::string name,
                       std::function<task_list::time(int failures)> delay_after)
    : options_(std::move(options)),
      delay_after_(std::move(delay_after)),
      refusals_(std::move(name)) {}

served_queue* queue_host::queue(std::string const& name, task_list::time now) {
  auto const found = queues_.find(name);
  if (found != queues_.end()) return &found->second;
  if (queues_.size() == queues_max)
    std::erase_if(queues_, [](auto const& each) { return each.second.is_unused(); });
  if (queues_.size() == queues_max) return nullptr;
  auto& made = queues_
                   .try_emplace(name, options_.policy, delay_after_,
                                frame_bytes_max() - frame_overhead_bytes / 2)
                   .first->second;
  if (has_ended_) made.end(now);
  return &made;
}

void queue_host::forget(queue_asker const& gone) noexcept {
  for (auto& [name, queue] : queues_) queue.forget(gone);
  changed_.set();
}

void queue_host::end() {
  has_ended_ = true;
  for (auto& [name, queue] : queues_) queue.end(queue_time());
}

void queue_host::advance(task_list::time now) {
  next_due_ = task_list::never;
  for (auto& [name, queue] : queues_) next_due_ = std::min(next_due_, queue.advance(now));
}

task<> queue_host::keep_time() {
  for (;;) {
    changed_.reset();
    advance(queue_time());
    try {
      co_await with_deadline(clock::time_point(std::chrono::nanoseconds(next_due_)),
                             changed_.wait());
    } catch (timed_out const&) {}
  }
}

// A client that says what means nothing is of another kind, and cannot go on.
void queue_host::handle(queue_asker& by, std::string_view message, task_list::time now) {
  read_values([&] {
    auto arguments = values_in(message);
    auto const number = arguments.next<std::uint64_t>();
    auto const operation = arguments.next<std::string>();
    auto const name = arguments.next<std::string>();
    queue_request const from{.by = &by, .number = number};
    if (name.size() > name_bytes_max)
      return from.answer(queue_status::refused, "the queue's name has more than 255 bytes");
    auto* const asked = queue(name, now);
    if (asked == nullptr && operation == "cancel") return;  // of a request that was refused
    if (asked == nullptr) return from.answer(queue_status::refused, "there are too many queues");
    handle(from, operation, *asked, arguments, now);
    if (asked->next_due() < next_due_) changed_.set();
  });
}

void queue_host::handle(queue_request from, std::string_view operation, served_queue& asked,
                        byte_source& arguments, task_list::time now) const {
  using keyed_values = std::vector<served_queue::keyed_value>;
  using deliveries = std::vector<served_queue::delivery>;
  auto const limit = options_.policy.value_limit_bytes;
  if (operation == "put") {
    bool const waits = arguments.next<bool>();
    auto tasks = arguments.next<keyed_values>();
    auto const is_refused = [&](auto const& each) {
      return each.first.size() > name_bytes_max || each.second.size() > limit;
    };
    if (std::ranges::any_of(tasks, is_refused))
      return from.answer(queue_status::refused, "a key or a value is too large");
    asked.put(from, std::move(tasks), waits, now);
  } else if (operation == "take") {
    asked.take(from, std::max<std::size_t>(1, arguments.next<std::size_t>()), now);
  } else if (operation == "ack") {
    auto results = arguments.next<std::vector<served_queue::result>>();
    if (std::ranges::any_of(results, [&](auto const& r) { return std::get<2>(r).size() > limit; }))
      return from.answer(queue_status::refused, "a result is too large");
    asked.ack(from, std::move(results), now);
  } else if (operation == "fail") {
    auto const failed = arguments.next<served_queue::delivery>();
    auto const error = arguments.next<std::string>();
    asked.fail(from, failed, std::string(cut_text(error, error_bytes_max)), now);
  } else if (operation == "extend") {
    asked.extend(from, arguments.next<deliveries>(), now);
  } else if (operation == "release") {
    asked.release(from, arguments.next<deliveries>(), now);
  } else if (operation == "results") {
    asked.results(from, std::max<std::size_t>(1, arguments.next<std::size_t>()), now);
  } else if (operation == "depth") {
    asked.depth(from);
  } else if (operation == "open" || operation == "close") {
    asked.set_open(from, operation == "open", now);
  } else if (operation == "cancel") {
    asked.cancel(from);
  } else {
    from.answer(queue_status::refused, fmt::format("there is no operation '{}'", operation));
  }
}

}  // namespace weft::inline v0::detail
