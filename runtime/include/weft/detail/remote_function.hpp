// A function that a child process is to call: as the addresses of what calls it and of itself. They
// are the same in the child, which is a fork of this program.
#pragma once

#include <cstddef>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

#include "weft/detail/codec.hpp"
#include "weft/run.hpp"
#include "weft/task.hpp"

namespace weft::inline v0::detail {

// Calls the function with the encoded arguments and writes what it returns.
using remote_entry = void (*)(void (*function)(), std::span<std::byte const> arguments,
                              byte_sink& result);

struct remote_function {
  remote_entry entry = nullptr;
  void (*function)() = nullptr;  // null for one that is its type
};

// What a child can call: a function, or an object without state such as a lambda without captures.
template <class Fn>
inline constexpr bool is_remote_callable =
    (std::is_pointer_v<Fn> && std::is_function_v<std::remove_pointer_t<Fn>>) ||
    (std::is_empty_v<Fn> && std::is_default_constructible_v<Fn>);

template <class Fn, class... Args>
concept remote_job_function = std::is_invocable_v<std::decay_t<Fn>, traveler_t<Args>...>;

template <class T>
struct awaited {
  using type = std::decay_t<T>;
};
template <class T>
struct awaited<task<T>> {
  using type = std::decay_t<T>;
};

// What a child's call yields, as a value; a task is run there, on a loop of the child.
template <class Fn, class... Args>
using remote_value =
    typename awaited<std::invoke_result_t<std::decay_t<Fn>, traveler_t<Args>...>>::type;

template <class Fn>
Fn remote_callable(void (*function)()) noexcept {
  if constexpr (std::is_pointer_v<Fn>) {
    return reinterpret_cast<Fn>(function);
  } else {
    (void)function;
    return Fn();
  }
}

template <class Fn, class... Args>
remote_value<Fn, Args...> call_remote(void (*function)(), std::span<std::byte const> arguments) {
  auto const call = [&](Args&... args) -> remote_value<Fn, Args...> {
    using result = std::invoke_result_t<Fn, Args...>;
    if constexpr (is_task<result>)
      return weft::run(remote_callable<Fn>(function)(std::move(args)...));
    else
      return remote_callable<Fn>(function)(std::move(args)...);
  };
  auto decoded = decode<Args...>(arguments);
  return std::apply(call, decoded);
}

template <class Fn, class... Args>
void run_remote(void (*function)(), std::span<std::byte const> arguments, byte_sink& result) {
  if constexpr (std::is_void_v<remote_value<Fn, Args...>>)
    call_remote<Fn, Args...>(function, arguments);
  else
    encode(result, call_remote<Fn, Args...>(function, arguments));
}

// The address that travels; null for a function that is its type.
template <class Fn, class... Args>
auto remote_address(Fn const& fn) noexcept -> void (*)() {
  static_assert(
      is_remote_callable<Fn>,
      "weft: a child process calls a function or a lambda without captures; what it needs "
      "goes into its arguments");
  static_assert((require_transferable<traveler_t<Args>>() && ...));
  if constexpr (std::is_pointer_v<Fn>)
    return reinterpret_cast<void (*)()>(fn);
  else
    return nullptr;
}

template <class Fn, class... Args>
remote_function make_remote(Fn const& fn) noexcept {
  using value = remote_value<Fn, Args...>;
  if constexpr (!std::is_void_v<value>) static_assert(require_transferable<value>());
  return {.entry = &run_remote<Fn, traveler_t<Args>...>,
          .function = remote_address<Fn, Args...>(fn)};
}

}  // namespace weft::inline v0::detail
