// abandonable(fn): a blocking call that a cancellation leaves behind, because it owns all it uses.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "weft/detail/io_operation.hpp"
#include "weft/detail/stored.hpp"

namespace weft::inline v0 {

namespace detail {

// The call on its way through the blocking pool. It belongs to the operation that awaits it, and
// once that was cancelled to itself.
class WEFT_API abandonable_job : public io_operation {
 public:
  // Hands it to the pool; false, with a result, when no thread could be started.
  bool begin(operation& waiting, int& result) noexcept;

  // Ends the wait. True when the caller still owns the job, since no thread had begun it.
  [[nodiscard]] bool leave() noexcept;

  // Whether it is back, and only the loop has yet to say so.
  [[nodiscard]] bool is_back() const noexcept { return current_phase() == phase::ready; }

  virtual ~abandonable_job() = default;

 protected:
  abandonable_job() noexcept : io_operation("blocking call", -1, interest::none) {}

 private:
  void run() noexcept final;

  operation* waiting_ = nullptr;
};

template <class Fn>
class abandonable_call final : public abandonable_job {
 public:
  using value_type = std::invoke_result_t<Fn&>;

  explicit abandonable_call(Fn fn) : fn_(std::move(fn)) {}

  int perform() noexcept override {
    try {
      if constexpr (std::is_void_v<value_type>)
        fn_();
      else
        value_.emplace(fn_());
    } catch (...) {
      error_ = std::current_exception();
    }
    return 0;
  }

  value_type take() {
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    if constexpr (!std::is_void_v<value_type>) return std::move(*value_);
  }

 private:
  Fn fn_;
  std::optional<stored<value_type>> value_;
  std::exception_ptr error_;
};

template <class Fn>
class abandonable_operation final
    : public awaitable_operation<abandonable_operation<Fn>, std::invoke_result_t<Fn&>> {
 public:
  explicit abandonable_operation(Fn fn)
      : awaitable_operation<abandonable_operation, std::invoke_result_t<Fn&>>("blocking call"),
        job_(std::make_unique<abandonable_call<Fn>>(std::move(fn))) {}

  bool start() noexcept { return !job_->begin(*this, this->result_); }

  std::invoke_result_t<Fn&> value() { return job_->take(); }

  void cancel() noexcept override {
    if (this->current_phase() != operation::phase::waiting || job_->is_back()) return;
    if (!job_->leave()) (void)job_.release();
    this->complete(-ECANCELED);
  }

 private:
  std::unique_ptr<abandonable_call<Fn>> job_;
};

}  // namespace detail

// Calls `fn()` on a thread of the loop's blocking pool and yields its value, or throws what it
// threw; resumes on this loop. For a call that may take long and owns all it uses: cancelled, it
// throws cancelled at once, and the call is left behind. What it yields late is thrown away, on
// either thread. A program that ends does not wait for it either, so `fn` must not use what the end
// of main() destroys. See blocking() for calls that borrow.
template <std::invocable Fn>
[[nodiscard]] detail::abandonable_operation<Fn> abandonable(Fn fn) {
  return detail::abandonable_operation<Fn>(std::move(fn));
}

}  // namespace weft::inline v0
