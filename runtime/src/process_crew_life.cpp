// The life of a process_crew's workers: how they start, on which loop their ends are heard of, what
// becomes of the jobs of one that has ended, and the end of all of them.
#include <algorithm>
#include <csignal>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "fatal.hpp"
#include "loop.hpp"
#include "process_crew.hpp"
#include "weft/error.hpp"
#include "weft/timeout.hpp"

namespace weft::inline v0::detail {

namespace {

// So many workers may end in a row before they are ready, and the jobs are told.
constexpr int failed_starts_max = 5;

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

// ---- Starting, and the loop.

process_crew::process_crew(process_pool_options options)
    : options_(options), server_(fork_server::get("weft::process_pool")) {
  places_.resize(options_.size != 0 ? options_.size : usable_processors());
  for (place& each : places_) each.worker = std::make_unique<process_worker>(*server_, options_);
  registered_.emplace(asked_on::own_thread, [this] {
    return pool_metrics{.name = "weft-processes", .size = size(), .stats = stats()};
  });
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
  registered_->move_to_this_thread();
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

// ---- The end of a worker.

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
    if (worker->state_of(number) != job_slot::state::running) {
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

// ---- The end.

void process_crew::close() noexcept {
  if (closed_) return;
  if (current_loop != nullptr) loop::of(*current_loop).jobs.submit();
  closed_ = true;
  jobs_have_left();
}

void process_crew::jobs_have_left() noexcept {
  if (in_slots_ == 0 && pending() && current_loop != nullptr) timer::stop(*current_loop);
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

}  // namespace weft::inline v0::detail
