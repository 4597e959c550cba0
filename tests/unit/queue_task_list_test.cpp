// The tasks of a queue: who holds them, when they come back, and what becomes of them at last.
#include "queue/task_list.hpp"

#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using weft::detail::delivered_task;
using weft::detail::task_lease;
using weft::detail::task_list;
using weft::net::queue_depth;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t ann = 1;
constexpr std::uint64_t bob = 2;

constexpr task_list::time second = 1'000'000'000;

// A lease takes 30 s; the first delay 1 s, the second 2 s.
task_list made(std::size_t capacity = 100) {
  weft::net::queue_policy policy;
  policy.capacity = capacity;
  policy.retry.attempts = 3;
  return {policy, [](int failures) { return failures * second; }};
}

std::vector<std::string> values_of(std::vector<delivered_task> const& tasks) {
  std::vector<std::string> values;
  for (auto const& each : tasks) values.push_back(each.value);
  return values;
}

using values = std::vector<std::string>;

}  // namespace

TEST_CASE("tasks are taken in the order in which they were put, and done once") {
  auto tasks = made();
  CHECK(tasks.put("a", "") == 1);
  CHECK(tasks.put("b", "") == 2);
  CHECK(tasks.put("c", "") == 3);
  auto const first = tasks.take(2, ann, 0);
  CHECK(values_of(first) == values{"a", "b"});
  CHECK(first[0].lease == task_lease{.id = 1, .delivery = 1});
  CHECK(tasks.depth() == queue_depth{.ready = 1, .leased = 2});
  CHECK(tasks.ack(first[0].lease, "A"));
  CHECK_FALSE(tasks.ack(first[0].lease, "again"));
  CHECK_FALSE(tasks.ack({.id = 99, .delivery = 1}, "none such"));
  CHECK(tasks.depth() == queue_depth{.ready = 1, .leased = 1, .results = 1});
  auto const results = tasks.take_results(10, ann);
  REQUIRE(results.size() == 1);
  CHECK(results[0].id == 1);
  CHECK(results[0].value == "A");
  CHECK_FALSE(results[0].is_failure);
}

TEST_CASE("a lease that runs out is given to another, and the late holder has lost it") {
  auto tasks = made();
  tasks.put("a", "");
  auto const late = tasks.take(1, ann, 0);
  CHECK(tasks.advance(29 * second) == 30 * second);
  CHECK_FALSE(tasks.has_ready());
  CHECK(tasks.extend(late[0].lease, 29 * second));
  CHECK(tasks.advance(58 * second) == 59 * second);
  CHECK(tasks.advance(59 * second) == task_list::never);
  auto const taken = tasks.take(1, bob, 59 * second);
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].lease.delivery == 2);
  CHECK_FALSE(tasks.ack(late[0].lease, "late"));
  CHECK_FALSE(tasks.fail(late[0].lease, "late", 59 * second));
  CHECK_FALSE(tasks.extend(late[0].lease, 59 * second));
  CHECK(tasks.ack(taken[0].lease, "in time"));
}

TEST_CASE("what a holder that has gone had comes first, in its order") {
  auto tasks = made();
  for (auto const* value : {"a", "b", "c", "d"}) tasks.put(value, "");
  tasks.take(1, bob, 0);
  tasks.take(2, ann, 0);
  tasks.release_all(ann);
  CHECK(tasks.depth() == queue_depth{.ready = 3, .leased = 1});
  CHECK(values_of(tasks.take(9, bob, 0)) == values{"b", "c", "d"});
  CHECK(tasks.advance(second) == 30 * second);
}

TEST_CASE("a task that fails is tried again after a delay, and at last given up") {
  auto tasks = made();
  tasks.put("a", "");
  for (int delivery = 1; delivery <= 2; ++delivery) {
    auto const now = 100 * delivery * second;
    auto const taken = tasks.take(1, ann, now);
    REQUIRE(taken.size() == 1);
    CHECK(tasks.fail(taken[0].lease, "it broke", now));
    CHECK(tasks.depth() == queue_depth{.delayed = 1});
    CHECK(tasks.advance(now) == now + delivery * second);
    CHECK_FALSE(tasks.has_ready());
    CHECK(tasks.advance(now + delivery * second) == task_list::never);
  }
  auto const last = tasks.take(1, ann, 0);
  REQUIRE(last.size() == 1);
  CHECK(last[0].lease.delivery == 3);
  CHECK(tasks.fail(last[0].lease, "it broke for good", 0));
  CHECK(tasks.depth() == queue_depth{.dead = 1, .results = 1});
  auto const results = tasks.take_results(1, ann);
  CHECK(results[0].is_failure);
  CHECK(results[0].value == "it broke for good");
}

TEST_CASE("a task that ends its workers is given up, too") {
  auto tasks = made();
  tasks.put("poison", "");
  for (int delivery = 1; delivery <= 3; ++delivery) {
    REQUIRE(tasks.take(1, ann, 0).size() == 1);
    tasks.release_all(ann);
  }
  CHECK(tasks.depth() == queue_depth{.dead = 1, .results = 1});
  CHECK(tasks.take_results(1, bob)[0].value == "its workers have gone");
}

TEST_CASE("a queue that is full takes no more until there is room") {
  auto tasks = made(2);
  CHECK(tasks.put("a", ""));
  CHECK(tasks.put("b", ""));
  CHECK_FALSE(tasks.put("c", ""));
  CHECK(tasks.is_full());
  auto const taken = tasks.take(1, ann, 0);
  tasks.ack(taken[0].lease, "A");
  CHECK(tasks.is_full());  // of a result
  tasks.take_results(1, bob);
  CHECK(tasks.put("c", "") == 3);
}

TEST_CASE("a task with a key that is known is not put again, done or not") {
  auto tasks = made(3);
  CHECK(tasks.put("a", "key") == 1);
  CHECK(tasks.put("a", "key") == 1);
  CHECK(tasks.depth() == queue_depth{.ready = 1});
  tasks.ack(tasks.take(1, ann, 0)[0].lease, "A");
  tasks.take_results(1, bob);
  CHECK(tasks.put("a", "key") == 1);
  CHECK(tasks.depth() == queue_depth{});
  for (auto const* other : {"1", "2", "3"}) {  // as many as the capacity: the oldest is forgotten
    tasks.put(other, other);
    tasks.ack(tasks.take(1, ann, 0)[0].lease, "done");
    tasks.take_results(1, bob);
  }
  CHECK(tasks.put("a", "key") == 5);
}

TEST_CASE("results that were not confirmed come back when their taker has gone") {
  auto tasks = made();
  for (auto const* value : {"a", "b", "c"}) {
    tasks.put(value, "");
    tasks.ack(tasks.take(1, ann, 0)[0].lease, value);
  }
  CHECK(tasks.take_results(1, ann).size() == 1);
  tasks.confirm_results(ann);
  CHECK(tasks.take_results(1, ann)[0].value == "b");
  tasks.release_all(ann);
  auto const results = tasks.take_results(9, bob);
  REQUIRE(results.size() == 2);
  CHECK(results[0].value == "b");
  CHECK(results[1].value == "c");
}
