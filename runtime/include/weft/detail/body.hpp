// What the functions that take a body accept: a task, a function that returns one (it is kept alive
// until the task ends), or another awaitable such as an operation, which is borrowed.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "weft/detail/stored.hpp"
#include "weft/task.hpp"

namespace weft::inline v0::detail {

// How a coroutine holds the body: tasks and functions by value, other awaitables by reference.
template <class Body>
using held_body = std::conditional_t<is_task<std::remove_cvref_t<Body>> ||
                                         task_function<std::remove_cvref_t<Body>>,
                                     std::decay_t<Body>, Body&&>;

// What to co_await. An awaitable that the caller keeps, a join_handle say, stays the caller's.
template <class Held>
decltype(auto) awaitable_of(std::remove_reference_t<Held>& body) {
  if constexpr (task_function<Held>)
    return body();
  else
    return static_cast<Held&&>(body);
}

template <class Body>
using body_result = await_result<decltype(awaitable_of<held_body<Body>>(
    std::declval<std::remove_reference_t<held_body<Body>>&>()))>;

// What the body yields: a value, or a reference that the caller gets as it is.
template <class Body>
using body_value = std::conditional_t<std::is_lvalue_reference_v<body_result<Body>>,
                                      body_result<Body>, std::remove_cvref_t<body_result<Body>>>;

template <class Value, class Held>
task<Value> run_body(Held body) {
  co_return co_await awaitable_of<Held>(body);
}

// What can be awaited as one of several things at once.
template <class Body>
concept runnable = requires { typename body_value<Body>; };

// The body as a task, which children are made of.
template <runnable Body>
task<body_value<Body>> as_task(Body&& body) {
  if constexpr (std::is_same_v<std::remove_cvref_t<Body>, task<body_value<Body>>>)
    return std::forward<Body>(body);
  else
    return run_body<body_value<Body>, held_body<Body>>(std::forward<Body>(body));
}

// The value of a body that may not have come to its end: for void, whether it did.
template <class T>
using maybe = std::conditional_t<std::is_void_v<T>, bool, std::optional<stored<T>>>;

}  // namespace weft::inline v0::detail
