// task_local<T>: a value that everything in a body sees, children that it spawns included, without
// being passed along. The counterpart of thread_local for tasks.
#pragma once

#include <memory>
#include <utility>

#include "weft/detail/body.hpp"

namespace weft::inline v0 {

namespace detail {

// The bindings of a chain form a list that children share; an entry hides older ones of its key.
struct local_value {
  void const* key;
  std::shared_ptr<local_value const> outer;

  local_value(void const* of, std::shared_ptr<local_value const> behind) noexcept
      : key(of), outer(std::move(behind)) {}
  virtual ~local_value() = default;
  local_value(local_value const&) = delete;
  local_value& operator=(local_value const&) = delete;
};

template <class T>
struct typed_local_value final : local_value {
  T value;

  typed_local_value(void const* of, std::shared_ptr<local_value const> behind, T bound)
      : local_value(of, std::move(behind)), value(std::move(bound)) {}
};

inline local_value const* find_local(void const* key) noexcept {
  chain_extras const* const extras = current_loop == nullptr && inherited_by_job != nullptr
                                         ? inherited_by_job
                                         : running_chain("weft::task_local").extras.get();
  local_value const* entry = extras != nullptr ? extras->locals.get() : nullptr;
  while (entry != nullptr && entry->key != key) entry = entry->outer.get();
  return entry;
}

// Binds a value in a chain and takes the binding back on destruction.
class bound_local {
 public:
  bound_local(chain_extras& of, std::shared_ptr<local_value const> entry) noexcept
      : extras_(of), before_(std::exchange(of.locals, std::move(entry))) {}
  ~bound_local() { extras_.locals = std::move(before_); }
  bound_local(bound_local const&) = delete;
  bound_local& operator=(bound_local const&) = delete;

 private:
  chain_extras& extras_;
  std::shared_ptr<local_value const> before_;
};

template <class Value, class T, class Held>
task<Value> with_local(void const* key, T value, Held body) {
  chain_extras& extras = running_chain("weft::task_local").with_extras();
  bound_local const bound(
      extras, std::make_shared<typed_local_value<T>>(key, extras.locals, std::move(value)));
  co_return co_await awaitable_of<Held>(body);
}

}  // namespace detail

// Declare it at namespace scope: `weft::task_local<std::string> request_id{"none"};`
template <class T>
class task_local {
 public:
  explicit task_local(T otherwise = T()) : otherwise_(std::move(otherwise)) {}
  task_local(task_local const&) = delete;
  task_local& operator=(task_local const&) = delete;

  // The innermost value bound around the running task, or the default. Valid while it is bound.
  [[nodiscard]] T const& get() const noexcept {
    auto const* entry = detail::find_local(this);
    if (entry == nullptr) return otherwise_;
    return static_cast<detail::typed_local_value<T> const*>(entry)->value;
  }

  // Runs the body with the value bound, and yields what it yields. Children inherit the bindings
  // that hold where they are spawned, and keep them for their life.
  template <class Body>
  auto with(T value, Body&& body) const {
    return detail::with_local<detail::body_value<Body>, T, detail::held_body<Body>>(
        this, std::move(value), std::forward<Body>(body));
  }

 private:
  T otherwise_;
};

}  // namespace weft::inline v0
