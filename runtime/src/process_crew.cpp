// See process_crew.hpp.
#include "process_crew.hpp"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <new>
#include <ranges>
#include <span>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

#include "fatal.hpp"
#include "loop.hpp"
#include "memory_file.hpp"
#include "process_worker.hpp"
#include "socket_message.hpp"
#include "weft/error.hpp"
#include "weft/timeout.hpp"

namespace weft::inline v0::detail {

namespace {

// So many workers may end in a row before they are ready, and the jobs are told.
constexpr int failed_starts_max = 5;

using state = job_slot::state;

// The end of a pool, which a task awaits.
class end_of_crew final : public awaitable_job<end_of_crew, void, process_job> {
 public:
  explicit end_of_crew(process_crew& crew) noexcept
      : awaitable_job("weft::process_pool::join", crew, remote_function{}), crew_(crew) {
    where = place::joining;
  }
  bool start() noexcept {
    leave_home();
    return crew_.await_end(*this);
  }
  void value() const noexcept {}
  void encode_arguments(byte_sink&) const override {}
  void decode_result(std::span<std::byte const>) override {}

 private:
  process_crew& crew_;
};

std::exception_ptr why_not_started(process_worker const& worker) {
  auto const& memory = worker.memory();
  if (memory.reached.load(std::memory_order_acquire) == worker_memory::stage::failed)
    return std::make_exception_ptr(std::runtime_error(
        fmt::format("weft::process_pool: the initializer threw {}", memory.failure.data())));
  if (int const error = worker.child()->error(); error != 0)
    return std::make_exception_ptr(
        std::system_error(error, std::generic_category(), "fork of a worker"));
  return std::make_exception_ptr(worker_died(worker.child()->status()));
}

}  // namespace

// ---- One worker.

void process_worker::memory_deleter::operator()(worker_memory* memory) const noexcept {
  ::munmap(memory, sizeof *memory);
}

process_worker::process_worker(fork_server& server, process_pool_options const& options)
    : first_since(machine_now()) {
  auto const file = descriptor::adopt(::memfd_create("weft-worker", MFD_CLOEXEC));
  if (!file) throw_system_error(errno, "memfd_create for a worker");
  if (::ftruncate(file.get(), sizeof(worker_memory)) != 0)
    throw_system_error(errno, "ftruncate for a worker");
  void* const at =
      ::mmap(nullptr, sizeof(worker_memory), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (at == MAP_FAILED) throw_system_error(errno, "mmap for a worker");
  memory_.reset(new (at) worker_memory);

  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw_system_error(errno, "socketpair for a worker");
  socket_ = descriptor::adopt(ends[0]);
  auto const other_end = descriptor::adopt(ends[1]);

  worker_start const start{.initializer = options.initializer,
                           .memory_limit = options.memory_limit};
  std::array<int, 2> const descriptors{file.get(), other_end.get()};
  child_ = server.start({.entry = &work_for_pool,
                         .function = nullptr,
                         .arguments = std::as_bytes(std::span(&start, 1)),
                         .descriptors = descriptors});
}

bool process_worker::send(worker_message const& about, int fd) const noexcept {
  // Any other error is that of a worker that has ended, which is found out elsewhere.
  return send_message(socket_.get(), std::as_bytes(std::span(&about, 1)), {}, std::span(&fd, 1),
                      MSG_DONTWAIT) != EAGAIN;
}

descriptor process_worker::take_file(std::uint32_t number) {
  auto const wanted = static_cast<std::uint32_t>(number % slot_count);
  for (;;) {
    if (auto const found = files_.find(wanted); found != files_.end()) {
      auto file = std::move(found->second);
      files_.erase(found);
      return file;
    }
    worker_message about{};
    std::vector<int> descriptors;
    auto const received = receive_message(
        socket_.get(), std::as_writable_bytes(std::span(&about, 1)), descriptors, MSG_DONTWAIT);
    if (received.size < 0) throw_system_error(received.error, "receive a result");
    if (descriptors.empty()) throw_system_error(EMFILE, "receive a result");
    files_[about.number] = descriptor::adopt(descriptors.front());
  }
}

// ---- The end of a worker.

class process_crew::end_notice final : public operation {
 public:
  end_notice(process_crew& crew, place& of) noexcept
      : operation("end of a worker"), crew_(&crew), place_(&of) {}

  void cancel() noexcept override {}
  void run() noexcept override {
    if (crew_ != nullptr) {
      place_->notice = nullptr;
      crew_->has_ended(*place_);
    }
    delete this;
  }
  void forget() noexcept { crew_ = nullptr; }

 private:
  process_crew* crew_;
  place* place_;
};

// What it had done is delivered, what it had not begun goes to others, and what it was in has
// failed.
void process_crew::has_ended(place& ended) noexcept {
  auto const worker = std::move(ended.worker);
  collect_from(*worker);
  auto const how = worker->child()->status();
  waiter_list back;
  for (std::uint32_t number = worker->first; number != worker->last; ++number) {
    process_job* const job = std::exchange(worker->job_in(number), nullptr);
    if (job == nullptr) continue;
    --in_slots_;
    if (worker->state_of(number) != state::running) {
      back.push_back(*job);
    } else if (job->to_be_cancelled) {
      settle(*job, -ECANCELED);
    } else {
      ++stats_.failed;
      fail(*job, worker->beyond_deadline ? std::make_exception_ptr(timed_out())
                                         : std::make_exception_ptr(worker_died(how)));
    }
  }
  requeue(back);

  using stage = worker_memory::stage;
  auto const reached = worker->memory().reached.load(std::memory_order_acquire);
  failed_starts_ = reached == stage::working ? 0 : failed_starts_ + 1;
  if (reached == stage::failed || failed_starts_ == failed_starts_max) {
    failed_starts_ = 0;
    fail_queue(why_not_started(*worker));  // the next job brings a new attempt
  } else if ((!closed_ || outstanding_ != 0) && start(ended)) {
    ++stats_.restarted;
  }
  dispatch();
  jobs_have_left();
}

// ---- Starting, and the loop.

process_crew::process_crew(process_pool_options options)
    : options_(options), server_(fork_server::get("weft::process_pool")) {
  places_.resize(options_.size != 0 ? options_.size : usable_processors());
  for (place& each : places_) each.worker = std::make_unique<process_worker>(*server_, options_);
}

process_crew::~process_crew() {
  terminate();
  if (is_bound()) loop::of(*current_loop).jobs.remove_source(*this);
  unbind();
}

bool process_crew::start(place& at) noexcept {
  try {
    at.worker = std::make_unique<process_worker>(*server_, options_);
    start_error_ = nullptr;
    if (home_) bind(at);
    return true;
  } catch (...) {
    at.worker.reset();
    start_error_ = std::current_exception();
    return false;
  }
}

bool process_crew::is_bound() const noexcept {
  return current_loop != nullptr && loop::of(*current_loop).entrance() == home_;
}

void process_crew::bind_to_loop() noexcept {
  if (is_bound()) [[likely]]
    return;
  if (outstanding_ != 0 || !joining_.empty())
    fatal("weft: a process_pool was used on a second loop while the first had jobs with it");
  unbind();
  home_ = loop::of(*current_loop).entrance();
  is_source_ = false;
  ++loop_number_;
  for (place& each : places_)
    if (each.worker) bind(each);
}

// A worker that has ended meanwhile is replaced as any other.
void process_crew::bind(place& to) {
  to.notice = new end_notice(*this, to);
  auto& worker = *to.worker;
  worker.send({.what = worker_message::kind::wake_descriptor, .number = loop_number_},
              home_->wake_descriptor());
  worker.memory().loop.store(loop_number_, std::memory_order_seq_cst);
  if (!worker.child()->has_ended.watch(*to.notice, home_)) home_->push(*to.notice);
}

void process_crew::unbind() noexcept {
  for (place& each : places_) {
    end_notice* const notice = std::exchange(each.notice, nullptr);
    if (notice == nullptr) continue;
    if (each.worker && each.worker->child()->has_ended.unwatch(*notice))
      delete notice;
    else
      notice->forget();  // it is under way
  }
  if (pending() && is_bound()) timer::stop(*current_loop);
  home_ = nullptr;
}

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

// A worker without jobs gets half of what another has not begun.
void process_crew::share_out() noexcept {
  if (!queue_.empty()) return;
  for (place& each : places_) {
    process_worker* const idle = each.worker.get();
    if (idle == nullptr || idle->is_ending || idle->used() != 0) continue;
    process_worker* busiest = nullptr;
    for (place& other : places_)
      if (other.worker && (busiest == nullptr || other.worker->used() > busiest->used()))
        busiest = other.worker.get();
    if (busiest == nullptr || busiest->used() < 2) return;
    waiter_list taken;
    std::uint32_t const share = busiest->used() / 2;
    for (std::uint32_t number = busiest->last - share; number != busiest->last; ++number) {
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

// ---- The end.

void process_crew::close() noexcept {
  if (closed_) return;
  if (current_loop != nullptr) loop::of(*current_loop).jobs.submit();
  closed_ = true;
  jobs_have_left();
}

void process_crew::jobs_have_left() noexcept {
  if (in_slots_ == 0 && pending()) timer::stop(*current_loop);
  if (!closed_ || outstanding_ != 0) return;
  bool any = false;
  for (place& each : places_) {
    if (!each.worker) continue;
    any = true;
    each.worker->is_ending = true;
    each.worker->memory().to_end.store(true, std::memory_order_seq_cst);
    each.worker->memory().ring();
  }
  while (!any && !joining_.empty()) {
    auto& waiting = static_cast<process_job&>(joining_.pop_front());
    waiting.where = process_job::place::gone;
    waiting.settle(0);
    waiting.complete(0);
  }
}

void process_crew::terminate() noexcept {
  close();
  while (!queue_.empty()) settle(static_cast<process_job&>(queue_.pop_front()), job_terminated);
  queued_ = 0;
  for (place& each : places_) {
    if (!each.worker) continue;
    each.worker->is_ending = true;
    for (std::uint32_t number = each.worker->first; number != each.worker->last; ++number)
      if (process_job* const job = std::exchange(each.worker->job_in(number), nullptr))
        settle(*job, job_terminated);
    each.worker->child()->signal(SIGKILL);
  }
  in_slots_ = 0;
  jobs_have_left();
}

task<> process_crew::join() {
  if (!closed_)
    throw std::logic_error("weft::process_pool: joined before it was closed; call close() first");
  co_await end_of_crew(*this);
}

bool process_crew::await_end(process_job& waiting) noexcept {
  bind_to_loop();
  if (std::ranges::none_of(places_, [](place const& each) { return each.worker != nullptr; }))
    return true;
  joining_.push_back(waiting);
  return false;
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
