// What a job in this process calls: a function and its arguments, and what came of it.
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <stop_token>
#include <tuple>
#include <type_traits>
#include <utility>

#include "weft/detail/stored.hpp"
#include "weft/task.hpp"

namespace weft::inline v0::detail {

// A job that wants a stop token takes it before its arguments.
template <class Fn, class... Args>
inline constexpr bool takes_stop_token = std::is_invocable_v<Fn, std::stop_token, Args...>;

template <class Fn, class... Args>
struct job_value_of : std::invoke_result<Fn, Args...> {};
template <class Fn, class... Args>
  requires takes_stop_token<Fn, Args...>
struct job_value_of<Fn, Args...> : std::invoke_result<Fn, std::stop_token, Args...> {};

// What a job yields whose function and arguments have been copied.
template <class Fn, class... Args>
using job_value = typename job_value_of<std::decay_t<Fn>, std::decay_t<Args>...>::type;

template <class Fn, class... Args>
concept job_function = std::is_invocable_v<std::decay_t<Fn>, std::decay_t<Args>...> ||
                       takes_stop_token<std::decay_t<Fn>, std::decay_t<Args>...>;

// A function with its arguments, and what came of calling it.
template <class Fn, class... Args>
class job_call {
 public:
  using value_type = job_value<Fn, Args...>;
  static constexpr bool is_stoppable = takes_stop_token<std::decay_t<Fn>, std::decay_t<Args>...>;
  static_assert(!is_task<value_type>,
                "weft: a job is a plain function; tasks run on a loop (see background_loop)");

  template <class F, class... A>
  explicit job_call(F&& fn, A&&... args)
      : fn_(std::forward<F>(fn)), args_(std::forward<A>(args)...) {}

  // False when it threw.
  bool call() noexcept {
    try {
      auto const apply = [this](auto&... args) -> value_type {
        if constexpr (is_stoppable)
          return std::invoke(std::move(fn_), stop_.get_token(), std::move(args)...);
        else
          return std::invoke(std::move(fn_), std::move(args)...);
      };
      if constexpr (std::is_void_v<value_type>)
        std::apply(apply, args_);
      else
        value_.emplace(std::apply(apply, args_));
      return true;
    } catch (...) {
      error_ = std::current_exception();
      return false;
    }
  }

  value_type take() {
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    if constexpr (std::is_lvalue_reference_v<value_type>)
      return *value_;
    else if constexpr (!std::is_void_v<value_type>)
      return std::move(*value_);
  }

  void request_stop() noexcept {
    if constexpr (is_stoppable) stop_.request_stop();
  }

 private:
  struct no_stop {};

  std::decay_t<Fn> fn_;
  std::tuple<std::decay_t<Args>...> args_;
  std::optional<stored<value_type>> value_;
  std::exception_ptr error_;
  [[no_unique_address]] std::conditional_t<is_stoppable, std::stop_source, no_stop> stop_;
};

}  // namespace weft::inline v0::detail
