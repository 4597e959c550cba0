// call("mkdir", path, ring form, plain form): an operation made of two functions, for system calls
// that are not on the hot path. It waits for no readiness: where the ring does not take it, the
// loop's blocking pool makes the call.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <utility>

#include <liburing.h>

#include "weft/detail/io_operation.hpp"

namespace weft::inline v0::detail {

// In place of the ring form of a call that the ring does not know.
struct no_ring_form {};

template <class Prepare, std::invocable Perform>
class call_operation final
    : public awaitable_operation<call_operation<Prepare, Perform>, int, io_operation> {
 public:
  call_operation(char const* name, std::string_view object, Prepare prepare, Perform perform)
      : awaitable_operation<call_operation, int, io_operation>(name, -1, interest::none),
        object_(object),
        prepare_(std::move(prepare)),
        perform_(std::move(perform)) {}

  bool prepare(io_uring_sqe& entry) const noexcept override {
    if constexpr (std::same_as<Prepare, no_ring_form>) {
      return false;
    } else {
      prepare_(entry);
      return true;
    }
  }

  int perform() noexcept override { return perform_(); }

  [[nodiscard]] int value() const noexcept { return this->result_; }

  // "mkdir some/path"
  [[nodiscard]] std::string describe() const override {
    return std::string(this->name()) += ' ' + std::string(object_);
  }

 private:
  std::string_view object_;
  Prepare prepare_;
  Perform perform_;
};

// Yields what the call returns; a failure names the call and its object, which is borrowed. Both
// functions are called with nothing else going on, the plain one perhaps on another thread, and
// yield a value or -errno.
template <class Prepare, std::invocable Perform>
[[nodiscard]] call_operation<Prepare, Perform> call(char const* name, std::string_view object,
                                                    Prepare prepare, Perform perform) {
  return {name, object, std::move(prepare), std::move(perform)};
}

}  // namespace weft::inline v0::detail
