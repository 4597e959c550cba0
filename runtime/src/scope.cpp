// Task scopes and their children.
#include "weft/scope.hpp"

#include <fmt/format.h>

#include "fatal.hpp"
#include "weft/finally.hpp"

namespace weft::inline v0 {

namespace detail {

child::child(task_scope& home, promise_base& root, std::source_location site) noexcept
    : chain(*home.scope_.chain().loop, &home.scope_, root, site), home_(&home) {}

void child::has_ended() noexcept {
  if (first.get()->error) classify_end();
  leave_tree();
  if (extras) [[unlikely]]
    extras->locals = nullptr;
  task_scope& home = *std::exchange(home_, nullptr);
  while (!joining.empty()) joining.pop_front().complete(0);
  home.child_ended(*this);
  drop_reference();
}

void child::classify_end() noexcept {
  try {
    std::rethrow_exception(first.get()->error);
  } catch (cancelled const&) {
    was_cancelled_ = true;
  } catch (...) {
    was_cancelled_ = false;
  }
}

void keep_suppressed(chain& within, std::exception_ptr error) noexcept {
  try {
    within.with_extras().suppressed.push_back(std::move(error));
  } catch (std::bad_alloc const&) {
    // The exception that is rethrown matters more than this one.
  }
}

}  // namespace detail

task_scope::~task_scope() {
  if (running_ != 0)
    detail::fatal(fmt::format("weft: a task_scope was destroyed while {} of its tasks were running",
                              running_));
  closed_ = true;
}

detail::child& task_scope::adopt(detail::frame_owner& frame, std::source_location site) {
  detail::loop_core& home = *scope_.chain().loop;
  detail::require_thread_of(home, "task_scope::spawn");
  if (closed_)
    detail::fatal(fmt::format("weft: spawn into a task_scope that has ended, at {}:{}",
                              site.file_name(), site.line()));
  if (frame.get() == nullptr)
    throw std::logic_error("weft: spawn of an empty task (moved from, or awaited before)");
  auto inherited = detail::inherited_from(detail::running_chain("task_scope::spawn"));
  auto* const spawned = new detail::child(*this, *frame.get(), site);
  spawned->extras = std::move(inherited);
  frame.release();  // the child owns it now
  ++running_;
  home.push_ready(*spawned);
  return *spawned;
}

void task_scope::child_ended(detail::child const& ended) noexcept {
  if (ended.was_cancelled())
    cut_short_ = cut_short_ || !ended.own.cancel_requested() || scope_.cancelled();
  else if (auto const& error = ended.first.get()->error)
    fail(error);
  if (--running_ == 0 && draining_ != nullptr) std::exchange(draining_, nullptr)->complete(0);
}

void task_scope::fail(std::exception_ptr error) noexcept {
  if (!first_) {
    first_ = std::move(error);
    scope_.cancel();
  } else if (first_ != error) {  // the body may rethrow what it got from joining the failed child
    detail::keep_suppressed(scope_.chain(), std::move(error));
  }
}

void task_scope::body_failed() noexcept {
  try {
    throw;
  } catch (cancelled const&) {
    cut_short_ = true;
  } catch (...) {
    fail(std::current_exception());
  }
}

void task_scope::finish(bool has_value) {
  closed_ = true;
  if (first_) std::rethrow_exception(std::exchange(first_, nullptr));
  bool const from_outside = scope_.parent()->cancelled();
  bool const asked_here = scope_.cancel_requested();
  if (cut_short_ && (from_outside || !asked_here || !has_value)) throw cancelled();
}

bool task_scope::drain_operation::start() noexcept {
  if (drained_.running_ == 0) return true;
  drained_.draining_ = this;
  return false;
}

std::string task_scope::drain_operation::describe() const {
  return fmt::format("scope: {} task{}", drained_.running_, drained_.running_ == 1 ? "" : "s");
}

}  // namespace weft::inline v0
