// when_any: several tasks at once; the first to end cancels the others, and nothing is lost.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include "weft/detail/body.hpp"
#include "weft/outcome.hpp"
#include "weft/scope.hpp"

namespace weft::inline v0 {

// `index` names the first that ended with a value or an exception. Every outcome is there, so what
// a loser had won before its cancellation reached it is in the caller's hands too.
template <class Outcomes>
struct any_result {
  std::size_t index;
  Outcomes outcomes;
};

namespace detail {

inline constexpr std::size_t nobody = static_cast<std::size_t>(-1);

template <class T>
task<> contend(task<T> body, std::size_t index, outcome<T>& ended, std::size_t& first,
               task_scope& tasks) {
  co_await run_to_its_end(std::move(body), ended);
  if (first != nobody || ended.was_cancelled()) co_return;
  first = index;
  tasks.cancel();
}

template <class... T>
task<any_result<std::tuple<outcome<T>...>>> any_of(task<T>... bodies) {
  std::tuple<outcome<T>...> outcomes;
  std::size_t first = nobody;
  co_await scope([&](task_scope& tasks) -> task<> {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (tasks.spawn(contend(std::move(bodies), I, std::get<I>(outcomes), first, tasks)), ...);
    }(std::index_sequence_for<T...>());
    co_return;
  });
  if (first == nobody) throw cancelled();
  co_return any_result<std::tuple<outcome<T>...>>{first, std::move(outcomes)};
}

}  // namespace detail

// Runs the tasks concurrently on this loop; when the first ends, with a value or an exception, the
// others are cancelled and awaited. Yields the index of the first and a tuple of every outcome.
// Throws cancelled when a cancellation from outside left none of them with an outcome.
template <detail::runnable... Body>
  requires(sizeof...(Body) > 0)
task<any_result<std::tuple<outcome<detail::body_value<Body>>...>>> when_any(Body&&... bodies) {
  return detail::any_of(detail::as_task(std::forward<Body>(bodies))...);
}

// The same for any number of tasks of one type, at least one; yields a vector of every outcome.
template <class T>
task<any_result<std::vector<outcome<T>>>> when_any(std::vector<task<T>> bodies) {
  if (bodies.empty()) throw std::invalid_argument("weft: when_any of no tasks would never end");
  std::vector<outcome<T>> outcomes(bodies.size());
  std::size_t first = detail::nobody;
  co_await scope([&](task_scope& tasks) -> task<> {
    for (std::size_t i = 0; i < bodies.size(); ++i)
      tasks.spawn(detail::contend(std::move(bodies[i]), i, outcomes[i], first, tasks));
    co_return;
  });
  if (first == detail::nobody) throw cancelled();
  co_return any_result<std::vector<outcome<T>>>{first, std::move(outcomes)};
}

}  // namespace weft::inline v0
