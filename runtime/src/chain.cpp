// The parts of operations, frames and cancel scopes that are not on the hot path.
#include "weft/detail/chain.hpp"

#include <atomic>
#include <stdexcept>

#include <fmt/format.h>

#include "fatal.hpp"
#include "scope_tree.hpp"
#include "weft/error.hpp"
#include "weft/generator.hpp"
#include "weft/this_task.hpp"

namespace weft::inline v0 {

namespace detail {

bool operation::ended_by_cancellation() const noexcept {
  return result_ == -ECANCELED && awaiting->within->scope->cancelled();
}

void operation::fail() const {
  if (ended_by_cancellation()) throw cancelled();
  throw_system_error(-result_, describe());
}

// The next place that is free or its own. When there are more names than places, the last one takes
// all others.
void operation_counts::add_elsewhere(char const* name) noexcept {
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    count& each = counts_[(place_of(name) + i) % counts_.size()];
    if (each.name == nullptr) each.name = name;
    if (each.name != name) continue;
    ++each.begun;
    return;
  }
  counts_.back().name = "other";
  ++counts_.back().begun;
}

void operation::abort_destroyed_in_flight() const noexcept {
  std::string_view file = "unknown";
  unsigned line = 0;
  if (awaiting != nullptr) {
    file = awaiting->where.file_name();
    line = awaiting->where.line();
  }
  fatal(fmt::format(
      "weft: a coroutine was destroyed while it waited for `{}` at {}:{}; cancel it and "
      "await its end instead",
      name_, file, line));
}

void waiter_list::abort_abandoned(operation const& waiting) noexcept {
  fatal(fmt::format("weft: something was destroyed while a task waited for it: `{}`",
                    waiting.name()));
}

namespace {

// The advisor's signal handler reads the name of the chain that runs, at any moment on the thread
// of the loop. While one of these exists it finds that none runs.
class unseen_by_handlers {
 public:
  explicit unseen_by_handlers(loop_core& home) noexcept
      : loop_(home), running_(std::exchange(home.current, nullptr)) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  ~unseen_by_handlers() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    loop_.current = running_;
  }
  unseen_by_handlers(unseen_by_handlers const&) = delete;
  unseen_by_handlers& operator=(unseen_by_handlers const&) = delete;

 private:
  loop_core& loop_;
  chain* running_;
};

}  // namespace

void chain::set_name(std::string_view name) {
  unseen_by_handlers const guard(*loop);
  with_extras().name = name;
}

namespace {

// Frames that never started and are being destroyed on this thread, each held by the one before as
// a parameter; and those that wait for the outermost of them, linked through `parent`.
struct unstarted_frames {
  int nested = 0;
  promise_base* waiting = nullptr;
};
constinit thread_local unstarted_frames unstarted;

// Deep enough for whatever is written by hand, and far from the end of any stack.
constexpr int deepest_nesting = 1000;

// A frame that never started holds parameters only, and what these hold is destroyed in their midst
// as C++ has it. Below a certain depth a frame is destroyed after those that hold it instead, so
// that frames without number, each in the next, do not exhaust the stack.
void destroy_unstarted(promise_base& promise) noexcept {
  if (unstarted.nested == deepest_nesting) {
    promise.parent = std::exchange(unstarted.waiting, &promise);
    return;
  }
  ++unstarted.nested;
  promise.self().destroy();
  while (unstarted.nested == 1 && unstarted.waiting != nullptr) {
    promise_base& next = *unstarted.waiting;
    unstarted.waiting = next.parent;
    next.self().destroy();
  }
  --unstarted.nested;
}

// Whether `promise` is on the path from the leaf of its chain upwards.
bool is_awaiting(promise_base const& promise) noexcept {
  if (promise.within == nullptr) return false;
  operation const* const pending = promise.within->pending;
  if (pending == nullptr) return false;
  promise_base const* at = pending->awaiting;
  while (at != nullptr && at != &promise) at = at->parent;
  return at != nullptr;
}

}  // namespace

void destroy_unfinished(promise_base& promise) noexcept {
  if (!promise.started()) return destroy_unstarted(promise);
  // Locals of a started frame may be referred to from frames below it, so nothing is put off here.
  unstarted_frames const outer = std::exchange(unstarted, {});
  if (is_awaiting(promise)) {
    promise_base* leaf = promise.within->pending->awaiting;
    while (leaf != &promise) {
      promise_base* const above = leaf->parent;
      *leaf->holder = nullptr;
      leaf->self().destroy();
      leaf = above;
    }
  }
  promise.self().destroy();
  unstarted = outer;
}

void refuse_second_next() {
  constexpr char const* message = "weft: two tasks in next() of one generator at once";
#ifndef NDEBUG
  fatal(message);
#else
  throw std::logic_error(message);
#endif
}

}  // namespace detail

void cancel_scope::cancel() noexcept {
  detail::require_thread_of(*chain_->loop, "cancel_scope::cancel");
  requested_ = true;
  detail::scope_tree::cancel_below(*this, false);
}

void cancel_scope::request_stop() noexcept {
  detail::require_thread_of(*chain_->loop, "cancel_scope::request_stop");
  detail::scope_tree::stop_below(*this);
}

void name_this_task(std::string_view name) {
  detail::running_chain("weft::name_this_task").set_name(name);
}

std::vector<std::exception_ptr> take_suppressed() {
  detail::chain& within = detail::running_chain("weft::take_suppressed");
  if (!within.extras) return {};
  return std::exchange(within.extras->suppressed, {});
}

}  // namespace weft::inline v0
