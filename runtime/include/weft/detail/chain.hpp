// A chain is a spawned task and all that it awaits: one logical thread. Its context is what dump,
// cancellation, deadlock detection and task-locals all use, so an await registers nothing anywhere.
// Here too: the hot part of the loop, which suspending and completing operations touch.
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weft/cancel_scope.hpp"
#include "weft/detail/operation.hpp"
#include "weft/detail/promise.hpp"

namespace weft::inline v0::detail {

class buffer_pool;   // weft/detail/buffer_pool.hpp
struct local_value;  // weft/task_local.hpp

// What few chains have, made when it is first needed.
struct chain_extras {
  std::string name;  // in dumps; empty for none
  std::shared_ptr<local_value const> locals;
  std::vector<std::exception_ptr> suppressed;
};

// How many operations may complete without suspending before a chain gives way to the others.
inline constexpr std::uint32_t inline_budget = 64;

// How many operations of each name have begun. Names are literals, so the address of one tells it
// from others; where two have the same text, they are added up when somebody asks.
class WEFT_API operation_counts {
 public:
  struct count {
    char const* name = nullptr;
    std::uint64_t begun = 0;
  };

  void add(char const* name) noexcept {
    count& likely = counts_[place_of(name)];
    if (likely.name == name) [[likely]]
      ++likely.begun;
    else
      add_elsewhere(name);
  }

  [[nodiscard]] std::array<count, 128> const& all() const noexcept { return counts_; }

 private:
  [[nodiscard]] std::size_t place_of(char const* name) const noexcept {
    return reinterpret_cast<std::uintptr_t>(name) % counts_.size();
  }
  void add_elsewhere(char const* name) noexcept;

  std::array<count, 128> counts_{};
};

// The part of the loop that headers need. The rest is runtime/src/loop.hpp.
struct loop_core {
  ready_queue ready;
  chain* current = nullptr;        // the chain being resumed
  chain* ended = nullptr;          // a chain whose first coroutine has just ended
  std::int64_t now = 0;            // nanoseconds on the backend's clock, read once a tick
  std::coroutine_handle<> pumped;  // WEFT_TRANSFER_BY_PUMP: what to resume next
  std::size_t until_stop = 0;      // bodies that a stop request would end
  buffer_pool* buffers = nullptr;  // what reads lease
  operation_counts begun;          // for metrics, as the rest
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;

  // Takes the next ready operation and resumes who awaits it.
  void run_one() noexcept {
    resume_one();
    end_one();
  }

  // The halves of that. Between them a chain that has ended is still there.
  inline void resume_one() noexcept;
  inline void end_one() noexcept;

  // Makes an operation ready that was not waiting.
  void push_ready(operation& op) noexcept {
    op.phase_ = operation::phase::ready;
    ready.push(op);
  }
};

// The loop that runs on this thread; null on other threads and in a forked child.
extern constinit WEFT_API thread_local loop_core* current_loop;

// On a thread of a pool: what the job that runs there has of the task that awaits it.
extern constinit WEFT_API thread_local chain_extras const* inherited_by_job;

// As an operation, a chain is its own start: spawned chains begin on the ready queue.
struct WEFT_API chain : operation, framed {
  loop_core* loop;
  cancel_scope own;              // what the handle of the chain cancels
  cancel_scope* scope = &own;    // the innermost one entered
  operation* pending = nullptr;  // what the leaf awaits, until it is resumed
  std::int64_t pending_since = 0;
  std::uint32_t budget = inline_budget;
  frame_owner first;  // the frame of the spawned coroutine
  std::source_location spawned_at;
  std::unique_ptr<chain_extras> extras;

  chain(loop_core& home, cancel_scope* parent, promise_base& root,
        std::source_location site) noexcept
      : operation("start"), loop(&home), own(*this, parent), first(root), spawned_at(site) {
    root.within = this;
    awaiting = &root;
  }

  void cancel() noexcept final {}  // a chain always starts; its first operation is a checkpoint

  chain_extras& with_extras() {
    if (!extras) extras = std::make_unique<chain_extras>();
    return *extras;
  }

  void set_name(std::string_view name);

  [[nodiscard]] std::string name_or(char const* otherwise) const {
    return extras && !extras->name.empty() ? extras->name : otherwise;
  }

  // The first coroutine has ended. Called by the loop, with no coroutine running.
  virtual void has_ended() noexcept = 0;

 protected:
  ~chain() = default;

  void leave_tree() noexcept { own.leave(); }
};

// What a chain that is spawned by `from` begins with: its task-locals. Null when there are none.
inline std::unique_ptr<chain_extras> inherited_from(chain const& from) {
  if (!from.extras || !from.extras->locals) [[likely]]
    return nullptr;
  auto inherited = std::make_unique<chain_extras>();
  inherited->locals = from.extras->locals;
  return inherited;
}

[[noreturn]] WEFT_API void abort_wrong_thread(loop_core const& home, char const* what) noexcept;

inline void require_thread_of(loop_core const& home, char const* what) noexcept {
  if (current_loop != &home) [[unlikely]]
    abort_wrong_thread(home, what);
}

// The chain whose coroutine is running; aborts, naming the caller, where there is none.
[[noreturn]] WEFT_API void abort_outside_task(char const* what) noexcept;

inline chain& running_chain(char const* what) noexcept {
  if (current_loop == nullptr || current_loop->current == nullptr) [[unlikely]]
    abort_outside_task(what);
  return *current_loop->current;
}

// A scope that the running chain has entered and leaves on destruction. Only for the library's own
// coroutines, none of which yields: a guard that crosses a co_yield would break the nesting.
class entered_scope : public cancel_scope {
 public:
  explicit entered_scope(detail::chain& within) noexcept : cancel_scope(within, within.scope) {
    within.scope = this;
  }
  ~entered_scope() { chain().scope = parent(); }

  using cancel_scope::cancel_on_stop;
  using cancel_scope::chain;
  using cancel_scope::parent;
  using cancel_scope::shield;
};

inline std::coroutine_handle<> transfer(chain& within, std::coroutine_handle<> to) noexcept {
#if WEFT_TRANSFER_BY_PUMP
  within.loop->pumped = to;
  return std::noop_coroutine();
#else
  (void)within;
  return to;
#endif
}

inline void end_chain(chain& ended) noexcept {
  require_thread_of(*ended.loop, "the end of a task");
  ended.loop->ended = &ended;
}

inline void operation::complete(int result) noexcept {
  result_ = result;
  if (phase_ != phase::waiting) return;
  if (awaiting != nullptr) {
    require_thread_of(*awaiting->within->loop, name_);
  } else if (current_loop == nullptr) {  // its loop has ended before it
    phase_ = phase::idle;
    return run();
  }
  current_loop->push_ready(*this);
}

inline void loop_core::resume_one() noexcept {
  operation& op = ready.pop();
  op.phase_ = operation::phase::idle;
  promise_base* const promise = op.awaiting;
  if (promise == nullptr) {
    current = nullptr;
    op.run();
    return;
  }
  chain& resumed = *promise->within;
  resumed.pending = nullptr;
  resumed.budget = inline_budget;
  current = &resumed;
#if WEFT_TRANSFER_BY_PUMP
  for (std::coroutine_handle<> next = promise->self(); next; next = std::exchange(pumped, {}))
    next.resume();
#else
  promise->self().resume();
#endif
}

inline void loop_core::end_one() noexcept {
  if (ended == nullptr) [[likely]]
    return;
  std::exchange(ended, nullptr)->has_ended();
  current = nullptr;  // it may be gone
}

// Suspends the coroutine of `promise` at `op`, which is about to start. Returns true when the
// operation must not start, because the scope is cancelled: the coroutine is then resumed through
// the ready queue, so that a loop which retries for ever cannot starve the others.
inline bool suspend(operation& op, promise_base& promise, bool checkpoint) noexcept {
  chain& within = *promise.within;
  require_thread_of(*within.loop, op.name_);
  op.awaiting = &promise;
  op.phase_ = operation::phase::waiting;
  within.pending = &op;
  within.pending_since = within.loop->now;
  within.loop->begun.add(op.name_);
  if (checkpoint && within.scope->cancelled()) [[unlikely]] {
    op.complete(-ECANCELED);
    return true;
  }
  return false;
}

// The awaiter half of an operation. `Derived` provides
//   bool start()   begins; returns true when it completed at once, having set result_;
//   T value()      what co_await yields; called only when the result is not negative.
// and may say `static constexpr bool checkpoint = false` (it starts even when cancelled).
template <class Derived, class T, class Base = operation>
class awaitable_operation : public Base {
 public:
  using weft_awaiter = void;
  using value_type = T;
  static constexpr bool checkpoint = true;

  using Base::Base;

  [[nodiscard]] bool await_ready() const noexcept { return false; }

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting_coroutine) noexcept {
    WEFT_ASSERT_PROMISE(Promise);
    promise_base& promise = awaiting_coroutine.promise();
    if (suspend(*this, promise, Derived::checkpoint)) return true;
    if (!static_cast<Derived*>(this)->start()) return true;
    // Completed inline. Past the budget the coroutine goes through the ready queue all the same.
    chain& within = *promise.within;
    if (within.budget == 0) [[unlikely]] {
      this->complete(this->result_);
      return true;
    }
    --within.budget;
    this->phase_ = operation::phase::idle;
    within.pending = nullptr;
    return false;
  }

  T await_resume() {
    if (this->result_ < 0) [[unlikely]]
      this->fail();
    return static_cast<Derived*>(this)->value();
  }

 protected:
  ~awaitable_operation() = default;
};

}  // namespace weft::inline v0::detail
