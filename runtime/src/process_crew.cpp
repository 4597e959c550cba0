// The jobs of a process_crew: from the queue to its workers, and back to the tasks.
#include "process_crew.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <exception>
#include <ranges>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "loop.hpp"
#include "memory_file.hpp"
#include "process_worker.hpp"
#include "weft/error.hpp"

namespace weft::inline v0::detail {

namespace {

using state = job_slot::state;

}  // namespace

// ---- Jobs come.

int process_crew::admit() noexcept {
  if (closed_) return job_refused_closed;
  if (options_.queue_limit != 0 && outstanding_ >= options_.queue_limit + places_.size())
    return job_refused_full;
  bind_to_loop();
  ++outstanding_;
  return 0;
}

void process_crew::take(waiter_list& jobs, std::size_t count) noexcept {
  std::int64_t const now = machine_now();
  for (operation* op = &jobs.front(); op != nullptr; op = op->next)
    static_cast<job*>(op)->taken_at = now;
  queue_.append(jobs);
  queued_ += count;
  collect_all();
  for (place& each : places_)
    if (!each.worker && !closed_) start(each);
  dispatch();
}

bool process_crew::withdraw(job& taken) noexcept {
  auto& wanted = static_cast<process_job&>(taken);
  switch (wanted.where) {
    case process_job::place::queued:
      queue_.remove(wanted);
      --queued_;
      forgo();
      return true;
    case process_job::place::joining: joining_.remove(wanted); return true;
    case process_job::place::gone: return false;
    case process_job::place::assigned: break;
  }
  auto& worker = *wanted.worker;
  if (worker.withdraw(wanted.slot)) {
    worker.job_in(wanted.slot) = nullptr;
    --in_slots_;
    forgo();
    jobs_have_left();
    return true;
  }
  wanted.to_be_cancelled = true;
  kill_running(worker);
  dispatch();
  return false;
}

// ---- From the queue to the workers.

void process_crew::dispatch() noexcept {
  while (!queue_.empty()) {
    process_worker* const to = least_loaded();
    if (to == nullptr) break;
    give_next(*to);
  }
  share_out();
  for (place& each : places_)
    if (each.worker && std::exchange(each.worker->to_be_rung, false)) each.worker->memory().ring();
  if (queue_.empty()) return;
  bool const has_workers =
      std::ranges::any_of(places_, [](place const& each) { return each.worker != nullptr; });
  if (!has_workers && start_error_) fail_queue(start_error_);
}

process_worker* process_crew::least_loaded() const noexcept {
  process_worker* found = nullptr;
  for (place const& each : places_) {
    process_worker* const one = each.worker.get();
    if (one == nullptr || one->is_ending || one->has_no_room || one->used() == slot_count) continue;
    if (found == nullptr || one->used() < found->used()) found = one;
  }
  return found;
}

void process_crew::give_next(process_worker& to) noexcept {
  auto& next = static_cast<process_job&>(queue_.pop_front());
  --queued_;
  if (assign(to, next)) return;
  to.has_no_room = true;
  waiter_list back;
  back.push_back(next);
  requeue(back);
}

// False when there is no room for the job's file. A job that cannot be sent fails.
bool process_crew::assign(process_worker& to, process_job& given) noexcept {
  std::uint32_t const number = to.last;
  job_slot& slot = to.slot(number);
  try {
    for (auto const address :
         {reinterpret_cast<void (*)()>(given.function.entry), given.function.function}) {
      if (address == nullptr || address == known_function_) continue;
      server_->require_known(address);
      known_function_ = address;
    }
    byte_sink arguments(slot.bytes);
    given.encode_arguments(arguments);
    slot.in_file = !arguments.fits();
    if (slot.in_file) {
      auto const file = descriptor::adopt(make_memory_file("weft-job", arguments.bytes()));
      worker_message const about{.what = worker_message::kind::file_of_slot,
                                 .number = static_cast<std::uint32_t>(number % slot_count)};
      if (!to.send(about, file.get())) return false;
    }
    slot.size = static_cast<std::uint32_t>(slot.in_file ? 0 : arguments.bytes().size());
  } catch (...) {
    ++stats_.failed;
    fail(given, std::current_exception());
    return true;
  }
  slot.function = given.function;
  given.where = process_job::place::assigned;
  given.worker = &to;
  given.slot = number;
  to.job_in(number) = &given;
  if (to.used() == 0) to.first_since = machine_now();
  ++to.last;
  slot.now.store(state::queued, std::memory_order_seq_cst);
  to.to_be_rung = true;
  if (++to.assigned == options_.max_jobs_per_worker) {
    to.is_ending = true;
    to.memory().to_end.store(true, std::memory_order_seq_cst);
  }
  ++in_slots_;
  if (!std::exchange(is_source_, true)) loop::of(*current_loop).jobs.add_source(*this);
  if (options_.job_deadline && !pending()) fire();
  return true;
}

// A worker without jobs gets half of what another has; and again, until that has none but the one
// that it does.
void process_crew::share_out() noexcept {
  if (!queue_.empty()) return;
  for (place& each : places_) {
    process_worker* const idle = each.worker.get();
    if (idle == nullptr || idle->is_ending || idle->used() != 0) continue;
    process_worker* busiest = nullptr;
    std::uint32_t most = 0;
    for (place& other : places_) {
      std::uint32_t const jobs = other.worker ? other.worker->jobs() : 0;
      if (jobs > most) busiest = other.worker.get();
      most = std::max(most, jobs);
    }
    if (most < 2) return;
    waiter_list taken;
    std::uint32_t number = busiest->last;
    for (std::uint32_t left = most / 2; left != 0;)
      if (busiest->job_in(--number) != nullptr) --left;
    for (; number != busiest->last; ++number) {
      process_job*& job = busiest->job_in(number);
      if (job == nullptr || !busiest->withdraw(number)) continue;
      --in_slots_;
      taken.push_back(*std::exchange(job, nullptr));
    }
    requeue(taken);
    while (!queue_.empty() && !idle->has_no_room) give_next(*idle);
  }
}

// ---- From the workers back to the tasks.

bool process_crew::has_results() const noexcept {
  return std::ranges::any_of(places_, [](place const& each) {
    if (!each.worker || each.worker->used() == 0) return false;
    auto const reached = each.worker->state_of(each.worker->first);
    return reached == state::done || reached == state::passed;
  });
}

bool process_crew::fall_asleep() noexcept {
  for (place const& each : places_)
    if (each.worker && each.worker->used() != 0)
      each.worker->memory().program_asleep.store(true, std::memory_order_seq_cst);
  return !has_results();
}

void process_crew::awake() noexcept {
  for (place const& each : places_)
    if (each.worker) each.worker->memory().program_asleep.store(false, std::memory_order_relaxed);
}

bool process_crew::collect() noexcept {
  collect_all();
  dispatch();
  jobs_have_left();
  return is_source_ = in_slots_ != 0 || queued_ != 0;
}

void process_crew::collect_all() noexcept {
  for (place& each : places_)
    if (each.worker) collect_from(*each.worker);
}

void process_crew::collect_from(process_worker& from) noexcept {
  while (from.used() != 0) {
    auto const reached = from.state_of(from.first);
    if (reached != state::done && reached != state::passed) return;
    if (process_job* const job = std::exchange(from.job_in(from.first), nullptr)) {
      --in_slots_;
      try {
        deliver(from, from.first, *job);
      } catch (...) {
        ++stats_.failed;
        fail(*job, std::current_exception());
      }
    }
    from.slot(from.first).now.store(state::free, std::memory_order_relaxed);
    ++from.first;
    from.first_since = machine_now();
    from.has_no_room = false;
  }
}

void process_crew::deliver(process_worker& from, std::uint32_t number, process_job& done) {
  job_slot const& slot = from.slot(number);
  auto const begun = slot.begun.load(std::memory_order_relaxed);
  stats_.waited.add(std::chrono::nanoseconds(begun - done.taken_at));
  stats_.ran.add(std::chrono::nanoseconds(slot.ended - begun));

  descriptor file;
  mapped_file mapped;
  struct unmapped {
    mapped_file& file;
    ~unmapped() {
      if (file.at != nullptr) ::munmap(file.at, file.size);
    }
  } const guard{mapped};
  std::span<std::byte const> bytes = std::span(slot.bytes).first(slot.size);
  if (slot.in_file) {
    file = from.take_file(number);
    mapped = map_memory_file(file.get());
    bytes = {static_cast<std::byte const*>(mapped.at), mapped.size};
  }
  if (slot.result == job_slot::kind::error) {
    auto [type, message] = decode<std::string, std::string>(bytes);
    throw remote_error(std::move(type), std::move(message));
  }
  done.decode_result(bytes);
  ++stats_.done;
  settle(done, 0);
}

void process_crew::settle(process_job& ended, int result) noexcept {
  ended.where = process_job::place::gone;
  --outstanding_;
  ended.settle(result);
  ended.complete(result);
}

void process_crew::fail(process_job& failed, std::exception_ptr why) noexcept {
  failed.fail_with(std::move(why));
  settle(failed, 0);
}

void process_crew::fail_queue(std::exception_ptr const& why) noexcept {
  while (!queue_.empty()) {
    --queued_;
    ++stats_.failed;
    fail(static_cast<process_job&>(queue_.pop_front()), why);
  }
}

// ---- Taking jobs back.

void process_crew::requeue(waiter_list& jobs) noexcept {
  for (operation* op = jobs.empty() ? nullptr : &jobs.front(); op != nullptr; op = op->next) {
    auto& back = *static_cast<process_job*>(op);
    back.where = process_job::place::queued;
    back.worker = nullptr;
    ++queued_;
  }
  jobs.append(queue_);  // they came before
  queue_.append(jobs);
}

void process_crew::take_back_all(process_worker& from) noexcept {
  waiter_list back;
  for (std::uint32_t number = from.first; number != from.last; ++number) {
    process_job*& job = from.job_in(number);
    if (job == nullptr || !from.withdraw(number)) continue;
    --in_slots_;
    back.push_back(*std::exchange(job, nullptr));
  }
  requeue(back);
}

// Nothing may begin between the decision and the kill, or it would be lost with the other. So all
// that has not begun is taken back first, and whether the job still runs is looked at then.
void process_crew::kill_running(process_worker& in) noexcept {
  take_back_all(in);
  bool const runs = std::ranges::any_of(std::views::iota(in.first, in.last), [&](auto number) {
    return in.state_of(number) == state::running;
  });
  if (!runs && !in.beyond_deadline) return;
  in.is_ending = true;
  in.child()->signal(SIGKILL);
}

// A job's time is over, or may be.
void process_crew::fire() noexcept {
  std::int64_t const allowed = options_.job_deadline->count();
  std::int64_t const now = machine_now();
  std::int64_t next = now + allowed;
  for (place& each : places_) {
    if (!each.worker || each.worker->used() == 0 || each.worker->beyond_deadline) continue;
    auto& worker = *each.worker;
    collect_from(worker);
    if (worker.used() == 0) continue;
    bool const runs = worker.state_of(worker.first) == state::running;
    std::int64_t const since =
        runs ? worker.slot(worker.first).begun.load(std::memory_order_relaxed) : worker.first_since;
    if (now - since < allowed) {
      next = std::min(next, since + allowed);
      continue;
    }
    worker.beyond_deadline = true;
    kill_running(worker);
  }
  timer::start(*current_loop, later(clock_now(*current_loop), next - now));
  dispatch();
}

executor_stats process_crew::stats() const {
  executor_stats all = stats_;
  all.queued = queued_;
  for (place const& each : places_) {
    if (!each.worker) continue;
    for (std::uint32_t number = each.worker->first; number != each.worker->last; ++number) {
      auto const reached = each.worker->state_of(number);
      all.queued += reached == state::queued ? 1 : 0;
      all.running += reached == state::running ? 1 : 0;
    }
  }
  return all;
}

std::vector<pid_t> process_crew::pids() const {
  std::vector<pid_t> numbers;
  for (place const& each : places_) {
    pid_t const number =
        each.worker ? each.worker->memory().pid.load(std::memory_order_relaxed) : 0;
    if (number != 0) numbers.push_back(number);
  }
  return numbers;
}

}  // namespace weft::inline v0::detail
