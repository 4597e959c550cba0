// Depth: long rows of awaits, deep chains of awaits, and their destruction leave the stack alone.
// Each depth would need more stack than a thread has, if every level took a C++ frame.
#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "support/backends.hpp"
#include "weft/detail/chain.hpp"
#include "weft/task.hpp"
#include "weft/this_task.hpp"

using support::run_on;
using support::simulated;

namespace {

constexpr int depth = 100'000;

weft::task<int> at_once(int value) { co_return value; }

weft::task<int> deeper(int left) {
  if (left == 0) {
    co_await weft::yield();
    co_return 0;
  }
  co_return 1 + co_await deeper(left - 1);
}

weft::task<int> throw_from(int left) {
  if (left == 0) throw left;
  co_return co_await throw_from(left - 1);
}

// Suspends the coroutine and hands it to nobody: it is in flight nowhere, so the chain above it may
// be destroyed. What it tells the chain is what a weft operation tells it.
class park final {
 public:
  using weft_awaiter = void;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> parked) noexcept {
    stopped_.awaiting = &parked.promise();
    parked.promise().within->pending = &stopped_;
  }
  void await_resume() const noexcept {}

 private:
  struct idle_operation final : weft::detail::operation {
    idle_operation() noexcept : operation("park") {}
    void cancel() noexcept override {}
  };
  idle_operation stopped_;
};

int destroyed = 0;

struct counted {
  counted() = default;
  counted(counted const&) = delete;
  counted& operator=(counted const&) = delete;
  ~counted() { ++destroyed; }
};

weft::task<> hold(std::unique_ptr<counted>, weft::task<>) { co_return; }

weft::task<> park_below(int left) {
  counted const local;
  if (left == 0)
    co_await park();
  else
    co_await park_below(left - 1);
}

// A chain that nothing owns but the test.
class own_chain final : public weft::detail::chain {
 public:
  own_chain(weft::detail::loop_core& home, weft::cancel_scope* above,
            weft::detail::promise_base& root) noexcept
      : chain(home, above, root, std::source_location::current()) {}
  void has_ended() noexcept override {}
};

}  // namespace

TEST_CASE("awaits that complete at once, one after another, do not grow the stack") {
  std::int64_t const sum = run_on<simulated>([]() -> weft::task<std::int64_t> {
    std::int64_t total = 0;
    for (int i = 0; i < depth; ++i) total += co_await at_once(i);
    co_return total;
  }());
  CHECK(sum == std::int64_t{depth} * (depth - 1) / 2);
}

TEST_CASE("a deep chain of awaits yields its value") {
  CHECK(run_on<simulated>(deeper(depth)) == depth);
}

TEST_CASE("an exception passes through a chain of awaits") {
  // Each level costs a rethrow, so fewer of them.
  CHECK_THROWS_AS(run_on<simulated>(throw_from(depth / 100)), int);
}

TEST_CASE("a million tasks that hold each other as parameters are destroyed on a usual stack") {
  destroyed = 0;
  auto nested = hold(std::make_unique<counted>(), weft::task<>());
  for (int i = 1; i < 10 * depth; ++i)
    nested = hold(std::make_unique<counted>(), std::move(nested));
  nested = weft::task<>();
  CHECK_FALSE(nested);
  CHECK(destroyed == 10 * depth);
}

TEST_CASE("a suspended chain is destroyed from the leaf upwards, without recursion") {
  destroyed = 0;
  run_on<simulated>([]() -> weft::task<> {
    {
      weft::detail::chain& outer = weft::detail::running_chain("the test");
      auto frame = weft::detail::task_access::release(park_below(depth));
      weft::detail::promise_base& root = *frame.get();
      own_chain chain(*outer.loop, &outer.own, root);
      frame.release();  // the chain owns it now
      // As the loop does it: with GCC each coroutine leaves the next one to the pump.
      for (auto next = root.self(); next; next = std::exchange(outer.loop->pumped, {}))
        next.resume();
      CHECK(destroyed == 0);
    }
    CHECK(destroyed == depth + 1);
    co_return;
  }());
}
