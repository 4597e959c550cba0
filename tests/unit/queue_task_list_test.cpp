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

// No limit of bytes.
constexpr std::size_t all = SIZE_MAX;

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
  auto const first = tasks.take(2, all, ann, 0);
  CHECK(values_of(first) == values{"a", "b"});
  CHECK_FALSE(tasks.ack(first[0].lease, bob, "not his"));
  CHECK(first[0].lease == task_lease{.id = 1, .delivery = 1});
  CHECK(tasks.depth() == queue_depth{.ready = 1, .leased = 2});
  CHECK(tasks.ack(first[0].lease, ann, "A"));
  CHECK_FALSE(tasks.ack(first[0].lease, ann, "again"));
  CHECK_FALSE(tasks.ack({.id = 99, .delivery = 1}, ann, "none such"));
  CHECK(tasks.depth() == queue_depth{.ready = 1, .leased = 1, .results = 1});
  auto const results = tasks.take_results(10, all, ann);
  REQUIRE(results.size() == 1);
  CHECK(results[0].id == 1);
  CHECK(results[0].value == "A");
  CHECK_FALSE(results[0].is_failure);
}

TEST_CASE("a lease that runs out is given to another, and the late holder has lost it") {
  auto tasks = made();
  tasks.put("a", "");
  auto const late = tasks.take(1, all, ann, 0);
  CHECK(tasks.advance(29 * second) == 30 * second);
  CHECK_FALSE(tasks.has_ready());
  CHECK(tasks.extend(late[0].lease, ann, 29 * second));
  CHECK(tasks.advance(58 * second) == 59 * second);
  CHECK(tasks.advance(59 * second) == task_list::never);
  auto const taken = tasks.take(1, all, bob, 59 * second);
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].lease.delivery == 2);
  CHECK_FALSE(tasks.ack(late[0].lease, ann, "late"));
  CHECK_FALSE(tasks.fail(late[0].lease, ann, "late", 59 * second));
  CHECK_FALSE(tasks.extend(late[0].lease, ann, 59 * second));
  CHECK(tasks.ack(taken[0].lease, bob, "in time"));
}

TEST_CASE("what a holder that has gone had comes first, in its order") {
  auto tasks = made();
  for (auto const* value : {"a", "b", "c", "d"}) tasks.put(value, "");
  tasks.take(1, all, bob, 0);
  tasks.take(2, all, ann, 0);
  tasks.release_all(ann);
  CHECK(tasks.depth() == queue_depth{.ready = 3, .leased = 1});
  CHECK(values_of(tasks.take(9, all, bob, 0)) == values{"b", "c", "d"});
  CHECK(tasks.advance(second) == 30 * second);
}

TEST_CASE("a task that fails is tried again after a delay, and at last given up") {
  auto tasks = made();
  tasks.put("a", "");
  for (int delivery = 1; delivery <= 2; ++delivery) {
    auto const now = 100 * delivery * second;
    auto const taken = tasks.take(1, all, ann, now);
    REQUIRE(taken.size() == 1);
    CHECK(tasks.fail(taken[0].lease, ann, "it broke", now));
    CHECK(tasks.depth() == queue_depth{.delayed = 1});
    CHECK(tasks.advance(now) == now + delivery * second);
    CHECK_FALSE(tasks.has_ready());
    CHECK(tasks.advance(now + delivery * second) == task_list::never);
  }
  auto const last = tasks.take(1, all, ann, 0);
  REQUIRE(last.size() == 1);
  CHECK(last[0].lease.delivery == 3);
  CHECK(tasks.fail(last[0].lease, ann, "it broke for good", 0));
  CHECK(tasks.depth() == queue_depth{.dead = 1, .results = 1});
  auto const results = tasks.take_results(1, all, ann);
  CHECK(results[0].is_failure);
  CHECK(results[0].error == "it broke for good");
  CHECK(results[0].value == "a");
}

TEST_CASE("a task that ends its workers is given up, too") {
  auto tasks = made();
  tasks.put("poison", "");
  for (int delivery = 1; delivery <= 3; ++delivery) {
    REQUIRE(tasks.take(1, all, ann, 0).size() == 1);
    tasks.release_all(ann);
  }
  CHECK(tasks.depth() == queue_depth{.dead = 1, .results = 1});
  CHECK(tasks.take_results(1, all, bob)[0].error == "its workers have gone");
}

TEST_CASE("a queue that is full takes no more until there is room") {
  auto tasks = made(2);
  CHECK(tasks.put("a", ""));
  CHECK(tasks.put("b", ""));
  CHECK_FALSE(tasks.put("c", ""));
  CHECK(tasks.room() == 0);
  auto const taken = tasks.take(1, all, ann, 0);
  tasks.ack(taken[0].lease, ann, "A");
  CHECK(tasks.room() == 0);  // of a result
  tasks.take_results(1, all, bob);
  CHECK(tasks.put("c", "") == 3);
}

TEST_CASE("a task with a key that is known is not put again, done or not") {
  auto tasks = made(3);
  CHECK(tasks.put("a", "key") == 1);
  CHECK(tasks.put("a", "key") == 1);
  CHECK(tasks.depth() == queue_depth{.ready = 1});
  tasks.ack(tasks.take(1, all, ann, 0)[0].lease, ann, "A");
  tasks.take_results(1, all, bob);
  CHECK(tasks.put("a", "key") == 1);
  CHECK(tasks.depth() == queue_depth{});
  for (auto const* other : {"1", "2", "3"}) {  // as many as the capacity: the oldest is forgotten
    tasks.put(other, other);
    tasks.ack(tasks.take(1, all, ann, 0)[0].lease, ann, "done");
    tasks.take_results(1, all, bob);
  }
  CHECK(tasks.put("a", "key") == 5);
}

TEST_CASE("results that were not confirmed come back when their taker has gone") {
  auto tasks = made();
  for (auto const* value : {"a", "b", "c"}) {
    tasks.put(value, "");
    tasks.ack(tasks.take(1, all, ann, 0)[0].lease, ann, value);
  }
  CHECK(tasks.take_results(1, all, ann).size() == 1);
  tasks.confirm_results(ann);
  CHECK(tasks.take_results(1, all, ann)[0].value == "b");
  tasks.release_all(ann);
  auto const results = tasks.take_results(9, all, bob);
  REQUIRE(results.size() == 2);
  CHECK(results[0].value == "b");
  CHECK(results[1].value == "c");
}

TEST_CASE("a delivery that never arrived does not count") {
  auto tasks = made();
  tasks.put("a", "");
  tasks.put("b", "");
  for (int i = 0; i < 5; ++i) {
    auto const taken = tasks.take(1, all, ann, 0);
    REQUIRE(taken.size() == 1);
    CHECK(taken[0].lease == task_lease{.id = 1, .delivery = 1});
    tasks.release(taken[0].lease, bob);  // not his
    CHECK(tasks.depth() == queue_depth{.ready = 1, .leased = 1});
    tasks.release(taken[0].lease, ann);
  }
  CHECK(tasks.depth() == queue_depth{.ready = 2});
  CHECK(tasks.advance(100 * second) == task_list::never);
}

TEST_CASE("a message holds no more than its bytes, but always one value") {
  auto tasks = made();
  for (int i = 0; i < 6; ++i) tasks.put(std::string(1'000, 'x'), "");
  CHECK(tasks.take(9, 1, ann, 0).size() == 1);
  auto const two = tasks.take(9, 2'100, ann, 0);
  CHECK(two.size() == 2);
  for (auto const& each : two) tasks.ack(each.lease, ann, std::string(1'000, 'r'));
  CHECK(tasks.take_results(9, 1, bob).size() == 1);
  CHECK(tasks.take_results(9, 1, bob).size() == 1);
  CHECK(tasks.take_results(9, 1, bob).empty());
}

TEST_CASE("a closed queue is done with its last task, and has no more results when all are taken") {
  auto tasks = made();
  tasks.put("a", "");
  tasks.set_open(false);
  CHECK_FALSE(tasks.is_done());
  auto const taken = tasks.take(1, all, ann, 0);
  CHECK_FALSE(tasks.is_done());  // it may come back
  tasks.ack(taken[0].lease, ann, "A");
  CHECK(tasks.is_done());
  CHECK_FALSE(tasks.has_no_more_results());
  tasks.take_results(1, all, bob);
  CHECK_FALSE(tasks.has_no_more_results());  // bob may go
  tasks.confirm_results(bob);
  CHECK(tasks.has_no_more_results());
  tasks.set_open(true);
  CHECK_FALSE(tasks.is_done());
}
