// See weft/net/queue/client.hpp.
#include "weft/net/queue/client.hpp"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "queue/inside_link.hpp"
#include "queue/link.hpp"
#include "queue/refusal.hpp"
#include "weft/event.hpp"
#include "weft/net/queue/server.hpp"
#include "weft/timeout.hpp"

namespace weft::inline v0::net {

using detail::blob;
using detail::delivery;
using detail::delivery_of;
using detail::queue_answer;
using detail::queue_dialogue;
using detail::queue_link;
using detail::queue_status;
using bytes = msgpack::type::raw_ref;

// Held by the client, and by its connections' late answers.
struct queue_client::state {
  std::string const name;
  std::vector<work_result> late_results{};  // whose taker did not wait for them
  event no_results_under_way{};             // else to ask for more would confirm some unseen

  explicit state(std::string queue) : name(std::move(queue)) {
    detail::check_queue_name(name);
    no_results_under_way.set();
  }
  state(state const&) = delete;
  state& operator=(state const&) = delete;
  virtual ~state() = default;

  virtual task<std::shared_ptr<queue_dialogue>> connected() = 0;
  virtual void end() noexcept = 0;
};

struct queue_client::outside final : state {
  outside(task_scope& parent, std::string const& address, std::string queue,
          queue_client_options wanted)
      : state(std::move(queue)),
        tasks(parent),
        server(detail::host_and_port::parse(address, "address of a queue server")),
        options(std::move(wanted)) {
    (void)detail::client_handshake(options.key);  // refuses one that is empty
  }

  task<std::shared_ptr<queue_dialogue>> connected() override {
    if (auto open = connection.now()) co_return open;
    co_return co_await connection.get([this] {
      return with_timeout(options.connect_timeout,
                          queue_link::open(tasks, server, name, options.key));
    });
  }
  void end() noexcept override { connection.close(); }

  task_scope& tasks;
  detail::host_and_port const server;
  queue_client_options const options;
  detail::kept_connection<queue_link> connection{};
};

struct queue_client::inside final : state {
  inside(task_scope& tasks, std::shared_ptr<detail::queue_host> host, std::string queue)
      : state(std::move(queue)),
        link(std::make_shared<detail::inside_link>(std::move(host), name)) {
    detail::inside_link::start(link, tasks);
  }

  task<std::shared_ptr<queue_dialogue>> connected() override { co_return link; }
  void end() noexcept override { link->close(); }

  std::shared_ptr<detail::inside_link> link;
};

queue_client::queue_client(task_scope& tasks, std::string const& server, std::string name,
                           queue_client_options options)
    : work_queue(options.reconnect),
      state_(std::make_shared<outside>(tasks, server, std::move(name), std::move(options))) {}

queue_client::queue_client(task_scope& tasks, queue_server const& server, std::string name)
    : work_queue({}), state_(std::make_shared<inside>(tasks, server.host(), std::move(name))) {}

queue_client::~queue_client() { state_->end(); }

namespace {

// Throws what the status of an answer means, unless it was done.
void check(queue_answer const& answer, std::string const& queue) {
  switch (answer.status) {
    case queue_status::done: return;
    case queue_status::closed: detail::throw_closed(queue);
    case queue_status::full: detail::throw_full(queue);
    case queue_status::refused:
      throw refused_request(fmt::format("weft: queue '{}': {}", queue, detail::read_values([&] {
                                          return answer.values().next<std::string>();
                                        })));
    case queue_status::cancelled: break;  // only who does not wait any more is told
  }
  throw frame_error("weft: an answer of a kind that is not known");
}

template <class T>
T value_of(queue_answer const& answer, std::string const& queue) {
  check(answer, queue);
  return detail::read_values([&] { return answer.values().template next<T>(); });
}

using told_task = std::tuple<std::uint64_t, std::uint32_t, std::string>;

std::vector<lease> leases_in(queue_answer const& answer, std::string const& queue,
                             std::shared_ptr<detail::held_leases> const& held) {
  std::vector<lease> leases;
  for (auto& [id, count, value] : value_of<std::vector<told_task>>(answer, queue)) {
    auto const name = std::to_string(id);
    leases.emplace_back(name, detail::lease_ticket{.entry = name, .delivery = count},
                        std::move(value), held);
  }
  return leases;
}

// Nobody waits for these tasks any more: others may have them at once.
void give_back(queue_dialogue& link, queue_answer const& answer) {
  if (answer.status != queue_status::done) return;
  std::vector<delivery> unwanted;
  for (auto const& [id, count, value] : value_of<std::vector<told_task>>(answer, ""))
    unwanted.emplace_back(id, count);
  if (!unwanted.empty()) link.tell("release", unwanted);
}

std::vector<work_result> results_in(queue_answer const& answer, std::string const& queue) {
  using told_result = std::tuple<std::uint64_t, bool, std::string, std::string>;
  std::vector<work_result> results;
  for (auto& [id, is_failure, value, error] : value_of<std::vector<told_result>>(answer, queue))
    results.emplace_back(std::to_string(id),
                         is_failure ? work_result::kind::dead : work_result::kind::done,
                         std::move(value), std::move(error));
  return results;
}

// Of the values in one frame, beside which it has room for what is said of them.
std::size_t batch_bytes(queue_dialogue const& link) noexcept {
  constexpr auto beside = detail::frame_overhead_bytes / 2;
  return std::max(link.frame_bytes_max(), beside) - beside;
}

}  // namespace

task<std::vector<std::string>> queue_client::try_put(std::vector<new_task> const& tasks,
                                                     when_full at_limit) {
  auto const link = co_await state_->connected();
  for (auto const& each : tasks) check_size("task", each.value.size(), link->value_bytes_max());
  std::vector<std::string> ids;
  for (std::size_t begin = 0; begin < tasks.size();) {
    auto const end = detail::end_of_batch(
        tasks, begin, batch_bytes(*link),
        [](new_task const& each) { return each.value.size() + each.key.size(); });
    std::vector<std::pair<std::string, bytes>> some;
    for (; begin < end; ++begin) some.emplace_back(tasks[begin].key, blob(tasks[begin].value));
    auto const answer =
        co_await queue_dialogue::ask(link, nullptr, "put", at_limit == when_full::wait, some);
    for (auto const id : value_of<std::vector<std::uint64_t>>(answer, state_->name))
      ids.push_back(std::to_string(id));
  }
  co_return ids;
}

task<std::vector<lease>> queue_client::try_take(std::size_t most) {
  auto const link = co_await state_->connected();
  auto const answer = co_await queue_dialogue::ask(link, give_back, "take", most);
  co_return leases_in(answer, state_->name, link->held());
}

// Leases end with their connection.
task<std::vector<std::string>> queue_client::try_ack(std::vector<finished_task> const& all) {
  auto const link = co_await state_->connected();
  std::vector<std::string> lost;
  for (auto const& each : all) check_size("result", each.result.size(), link->value_bytes_max());
  for (std::size_t begin = 0; begin < all.size();) {
    auto const end =
        detail::end_of_batch(all, begin, batch_bytes(*link),
                             [](finished_task const& each) { return each.result.size(); });
    std::vector<std::tuple<std::uint64_t, std::uint32_t, bytes>> some;
    for (; begin < end; ++begin) {
      auto const& [done, result] = all[begin];
      auto const [id, count] = delivery_of(done.ticket());
      if (done.held() == link->held())
        some.emplace_back(id, count, blob(result));
      else
        lost.push_back(done.id());
    }
    if (some.empty()) continue;
    auto const answer = co_await queue_dialogue::ask(link, nullptr, "ack", some);
    for (auto const id : value_of<std::vector<std::uint64_t>>(answer, state_->name))
      lost.push_back(std::to_string(id));
  }
  co_return lost;
}

task<bool> queue_client::try_fail(lease const& failed, std::string const& error) {
  auto const link = co_await state_->connected();
  if (failed.held() != link->held()) co_return false;
  auto const answer =
      co_await queue_dialogue::ask(link, nullptr, "fail", delivery_of(failed.ticket()),
                                   std::string(detail::cut_text(error, detail::error_bytes_max)));
  auto const lost = value_of<std::vector<std::uint64_t>>(answer, state_->name);
  bool const is_ended = lost.empty();
  co_return is_ended;
}

// One who is cancelled leaves an answer on its way, which may have results in it. The next one
// waits for that first.
task<std::vector<work_result>> queue_client::try_results(std::size_t most) {
  co_await state_->no_results_under_way.wait();
  if (!state_->late_results.empty()) co_return std::exchange(state_->late_results, {});
  auto const link = co_await state_->connected();
  auto const keep = [of = state_](queue_dialogue&, queue_answer const& answer) {
    of->no_results_under_way.set();
    if (answer.status != queue_status::done) return;
    for (auto& each : results_in(answer, of->name)) of->late_results.push_back(std::move(each));
  };
  state_->no_results_under_way.reset();
  try {
    auto const answer = co_await queue_dialogue::ask(link, keep, "results", most);
    state_->no_results_under_way.set();
    co_return results_in(answer, state_->name);
  } catch (std::exception const&) {  // but for cancelled, the request is over
    state_->no_results_under_way.set();
    throw;
  }
}

task<queue_depth> queue_client::try_depth() {
  auto const link = co_await state_->connected();
  auto const answer = co_await queue_dialogue::ask(link, nullptr, "depth");
  check(answer, state_->name);
  co_return detail::read_values([&] {
    auto values = answer.values();
    queue_depth depth;
    for (auto* const each :
         {&depth.ready, &depth.delayed, &depth.leased, &depth.dead, &depth.results})
      *each = values.next<std::size_t>();
    return depth;
  });
}

task<> queue_client::try_set_open(bool open) {
  auto const link = co_await state_->connected();
  check(co_await queue_dialogue::ask(link, nullptr, open ? "open" : "close"), state_->name);
}

}  // namespace weft::inline v0::net
