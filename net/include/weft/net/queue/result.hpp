// work_result: what has become of a task.
#pragma once

#include <string>
#include <utility>

#include "weft/detail/compiler.hpp"
#include "weft/net/detail/queue_value.hpp"

namespace weft::inline v0::net {

class WEFT_API work_result {
 public:
  enum class kind : bool { done, dead };

  // For implementations of work_queue. `value` is the result; of a dead one, the task.
  work_result(std::string id, kind what, std::string value, std::string error = {})
      : id_(std::move(id)), kind_(what), value_(std::move(value)), error_(std::move(error)) {}

  // The task's, as put() yielded it.
  [[nodiscard]] std::string const& id() const noexcept { return id_; }

  // Whether the task was given up: it failed too often, or its workers died.
  [[nodiscard]] bool is_failure() const noexcept { return kind_ == kind::dead; }

  // What the last worker said that failed; empty unless is_failure().
  [[nodiscard]] std::string const& error() const noexcept { return error_; }

  // What the worker gave to ack(). Throws task_failed with the error when the task was given up,
  // and std::runtime_error for a value of another type.
  template <transferable T>
  [[nodiscard]] T value() const {
    if (is_failure()) throw_failed();
    return detail::decoded_value<T>(value_, "the result of task " + id_);
  }

  // The value of a task that was given up, as it was put: a dead letter. Throws std::logic_error
  // for one that was not, and std::runtime_error for a value of another type.
  template <transferable T>
  [[nodiscard]] T dead_task() const {
    if (!is_failure()) throw_not_dead();
    return detail::decoded_value<T>(value_, "the value of task " + id_);
  }

 private:
  [[noreturn]] void throw_failed() const;
  [[noreturn]] void throw_not_dead() const;

  std::string id_;
  kind kind_;
  std::string value_;
  std::string error_;
};

}  // namespace weft::inline v0::net
