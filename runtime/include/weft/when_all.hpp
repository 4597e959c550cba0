// when_all: several tasks at once, all of their results.
#pragma once

#include <tuple>
#include <vector>

#include "weft/detail/body.hpp"
#include "weft/detail/stored.hpp"
#include "weft/scope.hpp"

namespace weft::inline v0 {

namespace detail {

// The value of a child whose scope has ended without an error.
template <class T>
stored<T> take_ended(join_handle<T> const& handle) {
  auto ended = handle.operator co_await();
  ended.start();
  if constexpr (std::is_void_v<T>) {
    ended.value();
    return {};
  } else {
    return ended.value();
  }
}

template <class... T>
task<std::tuple<stored<T>...>> all_of(task<T>... bodies) {
  std::tuple<join_handle<T>...> children;
  co_await scope([&](task_scope& tasks) -> task<> {
    children = std::tuple<join_handle<T>...>{tasks.spawn(std::move(bodies))...};
    co_return;
  });
  co_return std::apply(
      [](auto const&... child) { return std::tuple<stored<T>...>{take_ended(child)...}; },
      children);
}

}  // namespace detail

// Runs the tasks concurrently on this loop and yields a tuple of their values in the order of the
// arguments, std::monostate for void, std::reference_wrapper for references. The first failure
// cancels the rest and is rethrown when all have ended. A cancellation from outside cancels all and
// throws cancelled; values that some had are then dropped (when_any keeps them).
template <detail::runnable... Body>
task<std::tuple<detail::stored<detail::body_value<Body>>...>> when_all(Body&&... bodies) {
  return detail::all_of(detail::as_task(std::forward<Body>(bodies))...);
}

// The same for any number of tasks of one type: yields a vector in their order, or nothing for
// void.
template <class T>
task<std::conditional_t<std::is_void_v<T>, void, std::vector<detail::stored<T>>>> when_all(
    std::vector<task<T>> bodies) {
  std::vector<join_handle<T>> children;
  children.reserve(bodies.size());
  co_await scope([&](task_scope& tasks) -> task<> {
    for (auto& body : bodies) children.push_back(tasks.spawn(std::move(body)));
    co_return;
  });
  if constexpr (!std::is_void_v<T>) {
    std::vector<detail::stored<T>> values;
    values.reserve(children.size());
    for (auto const& child : children) values.push_back(detail::take_ended(child));
    co_return values;
  }
}

}  // namespace weft::inline v0
