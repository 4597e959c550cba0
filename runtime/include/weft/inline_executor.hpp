// inline_executor: the loop itself as an executor. It is what the pools are compared with, and what
// stands for them in tests.
#pragma once

#include <chrono>
#include <cstddef>
#include <ranges>
#include <stdexcept>
#include <utility>

#include "weft/detail/chain.hpp"
#include "weft/detail/job_call.hpp"
#include "weft/detail/mapping.hpp"
#include "weft/executor.hpp"

namespace weft::inline v0 {

namespace detail {

template <class Fn, class... Args>
class inline_call;

}  // namespace detail

// Belongs to one loop, as the tasks that use it do.
class WEFT_API inline_executor {
 public:
  // Calls `fn(args...)` when it is awaited, in the awaiting task, and yields what it returns, or
  // throws what it throws. Nothing else happens on the loop meanwhile. Copies and moves as
  // thread_pool::run does; a stop token never asks for a stop. Throws pool_closed after close().
  template <class Fn, class... Args>
    requires detail::job_function<Fn, Args...>
  [[nodiscard]] detail::inline_call<Fn, Args...> run(Fn&& fn, Args&&... args) {
    return {*this, std::forward<Fn>(fn), std::forward<Args>(args)...};
  }

  // See thread_pool::map.
  template <std::ranges::input_range Items, class Fn>
  [[nodiscard]] auto map(Items&& items, Fn fn) {
    return detail::map(*this, detail::items_of(std::forward<Items>(items)), std::move(fn));
  }

  // See thread_pool::map_unordered.
  template <std::ranges::input_range Items, class Fn>
  [[nodiscard]] auto map_unordered(task_scope& tasks, Items&& items, Fn fn) {
    return detail::map_unordered(*this, tasks, detail::items_of(std::forward<Items>(items)),
                                 std::move(fn));
  }

  void close() noexcept { closed_ = true; }
  void terminate() noexcept { closed_ = true; }

  // Nothing is ever left to wait for. Throws std::logic_error before close().
  [[nodiscard]] task<> join() {
    if (!closed_)
      throw std::logic_error(
          "weft::inline_executor: joined before it was closed; call close() first");
    co_return;
  }

  [[nodiscard]] static std::size_t size() noexcept { return 1; }
  [[nodiscard]] executor_stats stats() const noexcept { return stats_; }

 private:
  template <class Fn, class... Args>
  friend class detail::inline_call;

  bool closed_ = false;
  executor_stats stats_;
};

namespace detail {

template <class Fn, class... Args>
class inline_call final
    : public awaitable_operation<inline_call<Fn, Args...>, job_value<Fn, Args...>> {
  using base = awaitable_operation<inline_call, job_value<Fn, Args...>>;

 public:
  template <class F, class... A>
  inline_call(inline_executor& executor, F&& fn, A&&... args)
      : base("weft::inline_executor"),
        executor_(executor),
        call_(std::forward<F>(fn), std::forward<A>(args)...) {}

  bool start() noexcept {
    if (executor_.closed_) return true;
    executor_stats& stats = executor_.stats_;
    auto const begun = std::chrono::steady_clock::now();
    ++stats.running;
    was_called_ = true;
    ++(call_.call() ? stats.done : stats.failed);
    --stats.running;
    stats.waited.add(std::chrono::nanoseconds(0));
    stats.ran.add(std::chrono::steady_clock::now() - begun);
    return true;
  }

  job_value<Fn, Args...> value() {
    if (!was_called_) throw pool_closed(this->name());
    return call_.take();
  }

  void cancel() noexcept override {}

 private:
  inline_executor& executor_;
  job_call<Fn, Args...> call_;
  bool was_called_ = false;
};

}  // namespace detail

}  // namespace weft::inline v0
