// See thread_crew.hpp.
#include "thread_crew.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "brief_pause.hpp"
#include "fork_server.hpp"
#include "loop.hpp"
#include "signals_blocked.hpp"
#include "thread_name.hpp"

namespace weft::inline v0::detail {

namespace {

std::int64_t machine_now() noexcept {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

// The end of a pool, which a task awaits.
class end_of_crew final : public awaitable_job<end_of_crew, void, thread_job> {
 public:
  end_of_crew(char const* name, thread_crew& crew) noexcept
      : awaitable_job(name, crew), crew_(crew) {
    where = place::joining;
  }
  bool start() noexcept {
    leave_home();
    return crew_.await_end(*this);
  }
  void value() const noexcept {}
  bool work() noexcept override { return true; }

 private:
  thread_crew& crew_;
};

}  // namespace

thread_crew::thread_crew(thread_pool_options options) : options_(std::move(options)) {
  std::size_t const size = options_.size != 0 ? options_.size : usable_processors();
  // All are there before the first thread looks at them.
  members_.reserve(size);
  for (std::size_t i = 0; i < size; ++i) members_.push_back(std::make_unique<member>());
  fork_server::start_if_wanted();
  signals_blocked const blocked;
  try {
    for (std::size_t number = 0; number < size; ++number) start_member(number);
    registered_.emplace(asked_on::any_thread, [this] {
      return pool_metrics{.name = options_.name, .size = members_.size(), .stats = stats()};
    });
  } catch (...) {
    terminate();
    for (auto const& one : members_)
      if (one->thread.joinable()) one->thread.join();
    throw;
  }
}

void thread_crew::start_member(std::size_t number) {
  member& made = *members_[number];
  {
    std::lock_guard const lock(mutex_);
    ++present_;
  }
  try {
    made.thread = std::thread([this, &made] { run(made); });
  } catch (...) {
    std::lock_guard const lock(mutex_);
    --present_;
    throw;
  }
  auto const name = options_.name + '-' + std::to_string(number);
  name_thread(made.thread.native_handle(), name);
}

thread_crew::~thread_crew() {
  terminate();
  for (auto const& one : members_)
    if (one->thread.joinable()) one->thread.join();
}

// ---- On the threads of loops.

int thread_crew::admit() noexcept {
  if (closed_.load(std::memory_order_relaxed)) return job_refused_closed;
  if (options_.queue_limit == 0) return 0;
  if (waiting_.fetch_add(1, std::memory_order_relaxed) < options_.queue_limit) return 0;
  forgo();
  return job_refused_full;
}

void thread_crew::forgo() noexcept {
  if (options_.queue_limit != 0) waiting_.fetch_sub(1, std::memory_order_relaxed);
}

void thread_crew::take(waiter_list& jobs, std::size_t count) noexcept {
  std::int64_t const now = machine_now();
  for (operation* op = &jobs.front(); op != nullptr; op = op->next)
    static_cast<job*>(op)->taken_at = now;
  bool wake = false;
  {
    std::lock_guard const lock(mutex_);
    if (present_ == 0 || terminated_)
      return refuse(jobs, terminated_ ? job_terminated : job_refused_closed);
    queue_.append(jobs);
    queued_.store(queued_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
    wake = sleeping_ != 0 && !looking_;
  }
  if (wake) arrived_.notify_one();
}

bool thread_crew::withdraw(job& taken) noexcept {
  auto& wanted = static_cast<thread_job&>(taken);
  std::unique_lock const lock(mutex_);
  switch (wanted.where) {
    case thread_job::place::queued:
      queue_.remove(wanted);
      queued_.store(queued_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
      forgo();
      return true;
    case thread_job::place::joining: joining_.remove(wanted); return true;
    case thread_job::place::dealt: {
      thread_job* expected = &wanted;
      if (wanted.hand->compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel)) {
        forgo();
        return true;
      }
      break;
    }
    case thread_job::place::gone: return false;
  }
  wanted.request_stop();
  return false;
}

// The jobs that are admitted but not handed over yet came before.
void thread_crew::close() noexcept {
  if (current_loop != nullptr) loop::of(*current_loop).jobs.submit();
  closed_.store(true, std::memory_order_relaxed);
  { std::lock_guard const lock(mutex_); }  // who is about to sleep sees it, or is woken
  arrived_.notify_all();
}

void thread_crew::terminate() noexcept {
  close();
  waiter_list left;
  {
    std::lock_guard const lock(mutex_);
    terminated_ = true;
    queued_.store(0, std::memory_order_relaxed);
    left.append(queue_);
    for (auto const& one : members_)
      for (auto& slot : one->hand)
        if (auto* const dealt = slot.exchange(nullptr, std::memory_order_acq_rel))
          left.push_back(*dealt);
    refuse(left, job_terminated);
  }
  arrived_.notify_all();
  for (auto const& one : members_) {
    thread_job* const running = one->stoppable.exchange(nullptr, std::memory_order_acq_rel);
    if (running == nullptr) continue;
    running->request_stop();
    one->stoppable.store(running, std::memory_order_release);
  }
}

// Under the mutex.
void thread_crew::refuse(waiter_list& jobs, int result) noexcept {
  std::shared_ptr<inbox> home;
  while (!jobs.empty()) {
    auto& refused = static_cast<thread_job&>(jobs.pop_front());
    refused.where = thread_job::place::gone;
    forgo();
    send_home(refused, result, home);
  }
}

task<> thread_crew::join() {
  if (!closed_.load(std::memory_order_relaxed))
    throw std::logic_error("weft::thread_pool: joined before it was closed; call close() first");
  co_await end_of_crew("weft::thread_pool::join", *this);
  std::lock_guard const lock(joining_threads_);
  for (auto const& one : members_)
    if (one->thread.joinable()) one->thread.join();
}

bool thread_crew::await_end(thread_job& waiting) noexcept {
  std::lock_guard const lock(mutex_);
  if (present_ == 0) return true;
  joining_.push_back(waiting);
  return false;
}

executor_stats thread_crew::stats() const {
  executor_stats all;
  for (auto const& one : members_) {
    std::lock_guard const lock(one->mutex);
    all.running += one->running ? 1 : 0;
    all.done += one->done.done;
    all.failed += one->done.failed;
    all.waited.add(one->done.waited);
    all.ran.add(one->done.ran);
    for (auto const& slot : one->hand)
      if (slot.load(std::memory_order_relaxed) != nullptr) ++all.queued;
  }
  all.queued += queued_.load(std::memory_order_relaxed);
  return all;
}

// ---- On the threads of the pool.

void thread_crew::run(member& self) noexcept {
  while (thread_job* const first = fetch(self)) {
    work_on(self, *first);
    for (auto& slot : self.hand)
      if (auto* const next = slot.exchange(nullptr, std::memory_order_acq_rel))
        work_on(self, *next);
  }
  self.home = nullptr;
  leave();
}

// The next job, with more in the hand when many wait; null when there will be none.
thread_job* thread_crew::fetch(member& self) noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!queue_.empty()) {
      auto& first = static_cast<thread_job&>(queue_.pop_front());
      first.where = thread_job::place::dealt;
      first.hand = &self.hand.front();  // which is empty: it has begun
      deal(self);
      bool const wake = !queue_.empty() && sleeping_ != 0 && !looking_;
      lock.unlock();
      if (wake) arrived_.notify_one();
      return &first;
    }
    if (auto* const found = take_from_others(self)) return found;
    if (closed_.load(std::memory_order_relaxed)) return nullptr;
    if (!looking_ && looking_out_helps()) {
      looking_ = true;
      lock.unlock();
      look_out();
      lock.lock();
      looking_ = false;
      if (!queue_.empty() || closed_.load(std::memory_order_relaxed)) continue;
    }
    ++sleeping_;
    arrived_.wait(lock);
    --sleeping_;
  }
}

// Under the mutex. A share of what waits, so that others get theirs.
void thread_crew::deal(member& self) noexcept {
  std::size_t const queued = queued_.load(std::memory_order_relaxed) - 1;
  std::size_t const share = std::min(queued / members_.size(), hand_size);
  for (std::size_t i = 0; i < share; ++i) {
    auto& next = static_cast<thread_job&>(queue_.pop_front());
    next.where = thread_job::place::dealt;
    next.hand = &self.hand[i];
    // Release pairs with the exchange of whoever empties the slot.
    self.hand[i].store(&next, std::memory_order_release);
  }
  queued_.store(queued - share, std::memory_order_relaxed);
}

thread_job* thread_crew::take_from_others(member const& self) noexcept {
  for (auto const& other : members_) {
    if (other.get() == &self) continue;
    for (auto& slot : other->hand) {
      if (slot.load(std::memory_order_relaxed) == nullptr) continue;
      if (auto* const taken = slot.exchange(nullptr, std::memory_order_acq_rel)) return taken;
    }
  }
  return nullptr;
}

// For as long as being woken would take.
void thread_crew::look_out() noexcept {
  for (int left = pauses_max; left > 0; --left) {
    if (queued_.load(std::memory_order_relaxed) != 0) return;
    if (closed_.load(std::memory_order_relaxed)) return;
    pause_briefly();
  }
}

void thread_crew::work_on(member& self, thread_job& job) noexcept {
  forgo();
  {
    std::lock_guard const lock(self.mutex);
    self.running = true;
  }
  bool const can_be_stopped = job.can_be_stopped();
  if (can_be_stopped) self.stoppable.store(&job, std::memory_order_release);
  std::int64_t const begun = machine_now();
  inherited_by_job = &job.inherited();
  bool const returned = job.work();
  inherited_by_job = nullptr;
  std::int64_t const ended = machine_now();
  if (can_be_stopped) {
    for (thread_job* held = &job;
         !self.stoppable.compare_exchange_weak(held, nullptr, std::memory_order_acq_rel);
         held = &job)
      pause_briefly();
  }
  {
    std::lock_guard const lock(self.mutex);
    self.running = false;
    ++(returned ? self.done.done : self.done.failed);
    self.done.waited.add(std::chrono::nanoseconds(begun - job.taken_at));
    self.done.ran.add(std::chrono::nanoseconds(ended - begun));
  }
  send_home(job, 0, self.home);
}

// `home` is kept, since most jobs are of one loop. The inbox must outlive the push: the loop may
// end as soon as it has the job.
void thread_crew::send_home(thread_job& job, int result, std::shared_ptr<inbox>& home) noexcept {
  auto const& entrance = loop::of(job.home()).entrance();
  if (home != entrance) home = entrance;
  job.settle(result);
  home->push(job);
}

void thread_crew::leave() noexcept {
  waiter_list told;
  std::shared_ptr<inbox> home;
  std::lock_guard const lock(mutex_);
  if (--present_ != 0) return;
  told.append(joining_);
  while (!told.empty()) {
    auto& waiting = static_cast<thread_job&>(told.pop_front());
    waiting.where = thread_job::place::gone;
    send_home(waiting, 0, home);
  }
}

}  // namespace weft::inline v0::detail
