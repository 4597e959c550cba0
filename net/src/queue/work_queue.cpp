// See weft/net/queue/work_queue.hpp, lease.hpp and result.hpp.
#include "weft/net/queue/work_queue.hpp"

#include <cerrno>
#include <exception>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "weft/error.hpp"

namespace weft::inline v0::net {

lease_lost::lease_lost(std::vector<std::string> ids)
    : std::runtime_error(
          fmt::format("weft: the lease of {} {} is lost: it ran out, or the connection did",
                      ids.size() == 1 ? "task" : "tasks", fmt::join(ids, ", "))),
      ids_(std::move(ids)) {}

lease::lease(std::string id, detail::lease_ticket ticket, std::string value,
             std::shared_ptr<detail::held_leases> held)
    : id_(std::move(id)),
      ticket_(std::move(ticket)),
      value_(std::move(value)),
      held_(std::move(held)) {
  held_->insert(ticket_);
}

lease& lease::operator=(lease&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(ticket_, other.ticket_);
  std::swap(value_, other.value_);
  std::swap(held_, other.held_);
  return *this;
}

lease::~lease() {
  if (held_) held_->erase(ticket_);
}

void work_result::throw_failed() const {
  throw task_failed(fmt::format("weft: task {} was given up: {}", id_, error_));
}

void work_result::throw_not_dead() const {
  throw std::logic_error(fmt::format("weft: task {} was done: it is no dead letter", id_));
}

namespace {

// What an exception says of a connection that was lost.
enum class loss : std::uint8_t { none, before_asking, perhaps_done };

loss loss_of(std::exception_ptr const& why) {
  try {
    std::rethrow_exception(why);
  } catch (timed_out const&) {  // of connecting: nothing else has a timeout
    return loss::before_asking;
  } catch (std::system_error const& error) {
    if (error.code().category() != std::system_category()) return loss::none;
    switch (error.code().value()) {
      case ECONNREFUSED:
      case ENOENT:  // a socket's path
      case EAGAIN:  // a Unix socket's backlog
      case EHOSTUNREACH:
      case ENETUNREACH: return loss::before_asking;
      case ECONNRESET:
      case ECONNABORTED:
      case EPIPE:
      case ETIMEDOUT: return loss::perhaps_done;
      default: return loss::none;
    }
  } catch (...) {
    return loss::none;
  }
}

bool is_lost(std::exception_ptr const& why) { return loss_of(why) != loss::none; }
bool is_lost_before_asking(std::exception_ptr const& why) {
  return loss_of(why) == loss::before_asking;
}

// Fetched at once from the queue.
constexpr std::size_t results_most = 64;

}  // namespace

work_queue::~work_queue() = default;

void work_queue::refuse_uneven() {
  throw std::invalid_argument("weft: ack_all of not as many results as tasks");
}

void work_queue::check_size(char const* what, std::size_t bytes, std::size_t limit) {
  if (bytes > limit)
    throw value_too_large(
        fmt::format("weft: a {} of {} bytes, where the queue takes {}; put the data elsewhere, and "
                    "its path or key in the queue",
                    what, bytes, limit));
}

task<std::vector<std::string>> work_queue::put_in_order(std::vector<new_task> tasks,
                                                        when_full at_limit) {
  bool is_repeatable = true;
  for (auto const& each : tasks) {
    if (each.key.size() > key_bytes_max)
      throw std::invalid_argument("weft: the key of a task has more than 255 bytes");
    is_repeatable = is_repeatable && !each.key.empty();
  }
  if (tasks.empty()) co_return std::vector<std::string>();
  co_return co_await retry(
      reconnect_, [&] { return try_put(tasks, at_limit); },
      is_repeatable ? is_lost : is_lost_before_asking);
}

task<std::string> work_queue::put_one(new_task added, when_full at_limit) {
  std::vector<new_task> one;
  one.push_back(std::move(added));
  auto ids = co_await put_in_order(std::move(one), at_limit);
  co_return std::move(ids.front());
}

task<std::vector<lease>> work_queue::take(std::size_t most) {
  if (most == 0) throw std::invalid_argument("weft: take of 0 tasks");
  co_return co_await retry(reconnect_, [&] { return try_take(most); }, is_lost);
}

task<std::optional<lease>> work_queue::take() {
  auto one = co_await take(1);
  if (one.empty()) co_return std::nullopt;
  co_return std::move(one.front());
}

task<> work_queue::end_all(std::vector<finished_task> all) {
  if (all.empty()) co_return;
  auto lost = co_await retry(reconnect_, [&] { return try_ack(all); }, is_lost);
  if (!lost.empty()) throw lease_lost(std::move(lost));
}

task<> work_queue::fail_one(lease failed, std::string error) {
  bool const is_done = co_await retry(reconnect_, [&] { return try_fail(failed, error); }, is_lost);
  if (!is_done) throw lease_lost({failed.id()});
}

generator<work_result> work_queue::results() {
  if (has_results_)
    throw std::logic_error("weft: two results() at once of one queue; give each a client");
  has_results_ = true;
  struct at_end {
    bool& of;
    ~at_end() { of = false; }
  } const ending{has_results_};
  for (;;) {
    while (!fetched_.empty()) {
      auto next = std::move(fetched_.front());
      fetched_.pop_front();
      co_yield std::move(next);
    }
    auto more = co_await retry(reconnect_, [this] { return try_results(results_most); }, is_lost);
    if (more.empty()) co_return;
    for (auto& each : more) fetched_.push_back(std::move(each));
  }
}

task<queue_depth> work_queue::depth() {
  co_return co_await retry(reconnect_, [this] { return try_depth(); }, is_lost);
}

task<> work_queue::close() {
  co_await retry(reconnect_, [this] { return try_set_open(false); }, is_lost);
}

task<> work_queue::open() {
  co_await retry(reconnect_, [this] { return try_set_open(true); }, is_lost);
}

}  // namespace weft::inline v0::net
