// See host.hpp.
#include "queue/host.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "weft/retry.hpp"
#include "weft/timeout.hpp"

namespace weft::inline v0::detail {

namespace {

constexpr std::size_t queues_max = 10'000;

}  // namespace

queue_host::queue_host(net::queue_server_options options, std::string name)
    : options_(std::move(options)), refusals_(std::move(name)) {}

served_queue* queue_host::queue(std::string const& name) {
  auto const found = queues_.find(name);
  if (found != queues_.end()) return &found->second;
  if (queues_.size() == queues_max) return nullptr;
  auto const delay_after = [retry = options_.policy.retry](int failures) {
    return retry_delay(retry, failures).count();
  };
  auto& made = queues_
                   .try_emplace(name, options_.policy, delay_after,
                                frame_bytes_max() - frame_overhead_bytes / 2)
                   .first->second;
  if (has_ended_) made.end(queue_time());
  return &made;
}

void queue_host::forget(queue_asker const& gone) {
  for (auto& [name, queue] : queues_) queue.forget(gone);
  changed_.set();
}

void queue_host::end() {
  has_ended_ = true;
  for (auto& [name, queue] : queues_) queue.end(queue_time());
}

task<> queue_host::keep_time() {
  for (;;) {
    changed_.reset();
    next_due_ = task_list::never;
    for (auto& [name, queue] : queues_)
      next_due_ = std::min(next_due_, queue.advance(queue_time()));
    try {
      co_await with_deadline(clock::time_point(std::chrono::nanoseconds(next_due_)),
                             changed_.wait());
    } catch (timed_out const&) {}
  }
}

}  // namespace weft::inline v0::detail
