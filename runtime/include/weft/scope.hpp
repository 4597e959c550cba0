// Children: a task_scope owns them, and weft::scope(body) returns when all of them have ended.
// There is no other way to start a task that nobody awaits, and so none that is left behind.
#pragma once

#include <cstddef>
#include <exception>
#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "weft/detail/body.hpp"
#include "weft/detail/chain.hpp"
#include "weft/error.hpp"
#include "weft/task.hpp"

namespace weft::inline v0 {

class task_scope;

namespace detail {

// A spawned chain. It lives until it has ended and its last handle is gone.
class WEFT_API child final : public chain {
 public:
  child(task_scope& home, promise_base& root, std::source_location site) noexcept;

  void add_reference() noexcept { ++references_; }
  void drop_reference() noexcept {
    if (--references_ == 0) delete this;
  }

  [[nodiscard]] bool ended() const noexcept { return home_ == nullptr; }
  [[nodiscard]] bool was_cancelled() const noexcept { return was_cancelled_; }

  waiter_list joining;
  bool taken = false;  // whether a join has had the value

 private:
  void has_ended() noexcept override;
  void classify_end() noexcept;

  task_scope* home_;  // null once ended
  std::uint32_t references_ = 1;
  bool was_cancelled_ = false;
};

template <class T>
class join_operation final : public awaitable_operation<join_operation<T>, T> {
 public:
  // Takes over a reference to the child.
  explicit join_operation(child& joined) noexcept
      : awaitable_operation<join_operation<T>, T>("join"), joined_(joined) {}
  ~join_operation() { joined_.drop_reference(); }

  bool start() noexcept {
    if (joined_.ended()) return true;
    joined_.joining.push_back(*this);
    return false;
  }

  T value() {
    if (joined_.was_cancelled()) throw child_cancelled();
    if (std::exchange(joined_.taken, true))
      throw std::logic_error(
          "weft: a task's result can be taken only once, and it was joined before");
    return static_cast<task_promise<T>*>(joined_.first.get())->take();
  }

  void cancel() noexcept override {
    if (this->current_phase() != operation::phase::waiting) return;
    joined_.joining.remove(*this);
    this->complete(-ECANCELED);
  }

  [[nodiscard]] std::string describe() const override {
    return "join of " + joined_.name_or("task");
  }

 private:
  child& joined_;
};

}  // namespace detail

// Names one child. Copies name the same child; dropping them all leaves it running in its scope. An
// empty handle names none: all that it can be asked is whether it is empty, and every other use
// throws std::logic_error.
template <class T>
class join_handle {
 public:
  join_handle() noexcept = default;
  explicit join_handle(detail::child& joined) noexcept : child_(&joined) { joined.add_reference(); }
  join_handle(join_handle const& other) noexcept : child_(other.child_) {
    if (child_ != nullptr) child_->add_reference();
  }
  join_handle(join_handle&& other) noexcept : child_(std::exchange(other.child_, nullptr)) {}
  join_handle& operator=(join_handle other) noexcept {
    std::swap(child_, other.child_);
    return *this;
  }
  ~join_handle() {
    if (child_ != nullptr) child_->drop_reference();
  }

  explicit operator bool() const noexcept { return child_ != nullptr; }

  // Waits for the child's end and yields its value, or throws what it threw (its scope fails with
  // that too); child_cancelled when it was cancelled. One join may take the value. Being cancelled
  // here throws cancelled and leaves the child as it is.
  detail::join_operation<T> operator co_await() const& {
    named().add_reference();
    return detail::join_operation<T>(*child_);
  }
  detail::join_operation<T> operator co_await() && {
    detail::child& joined = named();
    child_ = nullptr;
    return detail::join_operation<T>(joined);
  }

  // Cancels this child alone. That is no failure: its scope goes on.
  void cancel() const { named().own.cancel(); }

  // Names it in dumps.
  void name(std::string_view name) const { named().set_name(name); }

  [[nodiscard]] bool ended() const { return named().ended(); }

 private:
  [[nodiscard]] detail::child& named() const {
    if (child_ == nullptr) [[unlikely]]
      throw std::logic_error("weft: an empty join_handle (moved from, or awaited before) was used");
    return *child_;
  }

  detail::child* child_ = nullptr;
};

// The owner of child tasks. It exists inside weft::scope only, and belongs to that loop's thread.
class WEFT_API task_scope {
 public:
  task_scope(task_scope const&) = delete;
  task_scope& operator=(task_scope const&) = delete;

  // Starts a child, after those spawned before it, on the next tick; it runs concurrently with its
  // siblings on this loop. What it throws cancels the scope. It inherits the task-locals of the
  // running task, which need not be the scope's owner.
  template <class T>
  join_handle<T> spawn(task<T> body, std::source_location site = std::source_location::current()) {
    detail::frame_owner frame = detail::task_access::release(std::move(body));
    return join_handle<T>(adopt(frame, site));
  }

  // The same for a function that returns a task; the function is kept until that task ends.
  template <detail::task_function Fn>
  join_handle<detail::task_function_value<Fn>> spawn(
      Fn fn, std::source_location site = std::source_location::current()) {
    return spawn(call(std::move(fn)), site);
  }

  // Cancels the body and all children. Asked for here, it is no failure: scope() returns normally.
  void cancel() noexcept { scope_.cancel(); }

  // Advises the body and all children to finish.
  void request_stop() noexcept { scope_.request_stop(); }

  // How many children have not ended.
  [[nodiscard]] std::size_t size() const noexcept { return running_; }

 private:
  friend class detail::child;
  template <detail::task_function<task_scope&> Fn>
  friend task<detail::task_function_value<Fn, task_scope&>> scope(Fn body);

  explicit task_scope(detail::chain& within) noexcept : scope_(within) {}
  ~task_scope();

  // Ends when the last child has; never before, whatever is cancelled.
  class drain_operation final : public detail::awaitable_operation<drain_operation, void> {
   public:
    static constexpr bool checkpoint = false;
    explicit drain_operation(task_scope& drained) noexcept
        : awaitable_operation("scope"), drained_(drained) {}
    bool start() noexcept;
    void value() const noexcept {}
    void cancel() noexcept override {}
    [[nodiscard]] std::string describe() const override;

   private:
    task_scope& drained_;
  };

  template <class Fn>
  static task<detail::task_function_value<Fn>> call(Fn fn) {
    co_return co_await fn();
  }

  detail::child& adopt(detail::frame_owner& frame, std::source_location site);
  void child_ended(detail::child const& ended) noexcept;
  void fail(std::exception_ptr error) noexcept;
  void body_failed() noexcept;  // in a handler: files the exception in hand
  void finish(bool has_value);  // all have ended: throws what the scope as a whole means

  detail::entered_scope scope_;
  std::size_t running_ = 0;
  detail::operation* draining_ = nullptr;
  std::exception_ptr first_;
  bool cut_short_ = false;  // a child or the body ended as cancelled
  bool closed_ = false;
};

// Runs `body(tasks)` and returns its value when it and every child it spawned into `tasks` have
// ended. The first exception, of the body or of a child, cancels all the others and is rethrown
// here after all have ended; later ones are kept for take_suppressed(). A cancellation from outside
// cancels all of them, and throws cancelled if that cut any of them short. After tasks.cancel() a
// body without a value returns normally; one that should have yielded a value throws cancelled.
template <detail::task_function<task_scope&> Fn>
task<detail::task_function_value<Fn, task_scope&>> scope(Fn body) {
  using value_type = detail::task_function_value<Fn, task_scope&>;
  task_scope tasks(detail::running_chain("weft::scope"));
  detail::maybe<value_type> value{};
  try {
    if constexpr (std::is_void_v<value_type>) {
      co_await body(tasks);
      value = true;
    } else {
      value.emplace(co_await body(tasks));
    }
  } catch (...) {
    tasks.body_failed();
  }
  // Between the end of the last child and our resumption another may be spawned.
  while (tasks.size() != 0) co_await task_scope::drain_operation(tasks);
  tasks.finish(std::is_void_v<value_type> || static_cast<bool>(value));
  if constexpr (!std::is_void_v<value_type>) co_return std::move(*value);
}

}  // namespace weft::inline v0
