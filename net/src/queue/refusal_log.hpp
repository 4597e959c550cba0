// Says in the log what a server refuses, at most once a second, so that a flood of strangers is no
// flood of lines.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "queue/task_list.hpp"
#include "warn.hpp"

namespace weft::inline v0::detail {

class refusal_log {
 public:
  // `name` is what lines begin with.
  explicit refusal_log(std::string name) : name_(std::move(name)) {}

  // `what` says who was refused and why.
  void add(std::string_view what, task_list::time now) noexcept {
    if (last_ != none && now - last_ < quiet) {
      ++unsaid_;
      return;
    }
    last_ = now;
    if (auto const unsaid = std::exchange(unsaid_, 0); unsaid != 0)
      warn("{}: {}; {} more were refused before", name_, what, unsaid);
    else
      warn("{}: {}", name_, what);
  }

 private:
  static constexpr task_list::time quiet = 1'000'000'000;
  static constexpr task_list::time none = INT64_MIN;

  std::string name_;
  task_list::time last_ = none;
  std::uint64_t unsaid_ = 0;
};

}  // namespace weft::inline v0::detail
