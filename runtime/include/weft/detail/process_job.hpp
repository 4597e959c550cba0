// A job for a process of a pool: a function's address and its encoded arguments go there, and
// encoded comes back what it returned.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

#include "weft/detail/codec.hpp"
#include "weft/detail/job.hpp"
#include "weft/detail/remote_function.hpp"
#include "weft/detail/stored.hpp"

namespace weft::inline v0::detail {

class process_worker;

class WEFT_API process_job : public job {
 public:
  // queued: waits for a worker. assigned: one has it. joining: no job, but the wait for the end.
  enum class place : std::uint8_t { queued, assigned, joining, gone };

  process_job(char const* name, job_taker& executor, remote_function call) noexcept
      : job(name, executor), function(call) {}

  virtual void encode_arguments(byte_sink& into) const = 0;
  virtual void decode_result(std::span<std::byte const> result) = 0;

  void fail_with(std::exception_ptr why) noexcept { error_ = std::move(why); }

  remote_function const function;
  place where = place::queued;
  bool to_be_cancelled = false;  // its worker is being killed for it
  process_worker* worker = nullptr;
  std::uint32_t slot = 0;

 protected:
  ~process_job() = default;

  void rethrow_failure() {
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  std::exception_ptr error_;
};

template <class Value, class... Args>
class process_call final : public awaitable_job<process_call<Value, Args...>, Value, process_job> {
  using base = awaitable_job<process_call, Value, process_job>;

 public:
  template <class... A>
  process_call(char const* pool, job_taker& executor, remote_function call, A&&... args)
      : base(pool, executor, call), args_(std::forward<A>(args)...) {}

  void encode_arguments(byte_sink& into) const override {
    std::apply([&](auto const&... args) { encode(into, args...); }, args_);
  }
  void decode_result(std::span<std::byte const> result) override {
    if constexpr (!std::is_void_v<Value>) value_.emplace(std::get<0>(decode<Value>(result)));
  }

  Value value() {
    this->rethrow_failure();
    if constexpr (!std::is_void_v<Value>) return std::move(*value_);
  }

 private:
  std::tuple<Args...> args_;
  std::optional<stored<Value>> value_;
};

// What a job of map calls in the worker: the function for each item. One that is not its type
// travels as an address. The function may change the items.
template <class Fn, class Item>
// NOLINTNEXTLINE(performance-unnecessary-value-param)
auto remote_map_chunk(std::uintptr_t address, std::vector<Item> items) {
  using result = std::decay_t<std::invoke_result_t<Fn, Item&>>;
  Fn fn = remote_callable<Fn>(reinterpret_cast<void (*)()>(address));
  if constexpr (std::is_void_v<result>) {
    for (Item& item : items) fn(item);
  } else {
    std::vector<result> results;
    results.reserve(items.size());
    for (auto&& item : items) results.push_back(fn(item));
    return results;
  }
}

}  // namespace weft::inline v0::detail
