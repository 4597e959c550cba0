// References pass through everything that takes a body: as they are where nothing is kept, as
// std::reference_wrapper where it is. Values that are const pass, too.
#include <doctest/doctest.h>

#include <chrono>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/backends.hpp"
#include "weft/background_loop.hpp"
#include "weft/blocking.hpp"
#include "weft/cancel.hpp"
#include "weft/finally.hpp"
#include "weft/generator.hpp"
#include "weft/result.hpp"
#include "weft/retry.hpp"
#include "weft/scope.hpp"
#include "weft/task_local.hpp"
#include "weft/timeout.hpp"
#include "weft/when_all.hpp"
#include "weft/when_any.hpp"

using namespace std::chrono_literals;
using support::run_on;
using support::simulated;

namespace {

// Neither copied nor moved, so that nothing but a reference can pass.
struct pinned {
  pinned() = default;
  pinned(pinned const&) = delete;
  pinned& operator=(pinned const&) = delete;
};

pinned there;

weft::task<pinned&> refer() { co_return there; }
weft::task<> nothing() { co_return; }
weft::task<int const> constant() { co_return 1; }

bool is_there(pinned& found) { return &found == &there; }

weft::task_local<int> number;

}  // namespace

TEST_CASE("a reference passes as it is through what keeps nothing") {
  run_on<simulated>([]() -> weft::task<> {
    CHECK(is_there(co_await weft::with_timeout(1s, refer())));
    CHECK(is_there(co_await weft::shield(refer)));
    CHECK(is_there(co_await number.with(1, refer)));
    CHECK(is_there(co_await weft::retry({}, refer)));
    static_assert(std::is_same_v<decltype(weft::shield(refer)), weft::task<pinned&>>);
    co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
      auto const child = tasks.spawn(refer);
      CHECK(is_there(co_await weft::with_timeout(1s, child)));
    });
  }());
}

TEST_CASE("a reference passes through what keeps it until something else has ended") {
  run_on<simulated>([]() -> weft::task<> {
    CHECK(is_there(co_await weft::finally(refer(), nothing)));
    CHECK(is_there(co_await weft::scope([](weft::task_scope&) { return refer(); })));
    CHECK(is_there(co_await weft::blocking([]() -> pinned& { return there; })));
    CHECK(is_there(*co_await weft::until_stop(refer())));
    CHECK(is_there(*co_await weft::cancellable([](weft::cancel_scope&) { return refer(); })));
    auto result = co_await weft::as_result(refer());
    CHECK(is_there(*result));
    CHECK(is_there(result.value()));
    CHECK(result.operator->() == &there);
    pinned otherwise;
    CHECK(is_there(result.value_or(otherwise)));
  }());
}

TEST_CASE("references are among the values of several tasks, and of a generator") {
  run_on<simulated>([]() -> weft::task<> {
    auto const [first, second] = co_await weft::when_all(refer(), constant());
    CHECK(is_there(first));
    CHECK(second == 1);
    std::vector<weft::task<pinned&>> several;
    several.push_back(refer());
    CHECK(is_there((co_await weft::when_all(std::move(several))).front()));
    auto any = co_await weft::when_any(refer(), nothing());
    CHECK(is_there(std::get<0>(any.outcomes).value()));
    auto generated = []() -> weft::generator<pinned&> { co_yield there; }();
    CHECK(is_there(*co_await generated.next()));
  }());
}

TEST_CASE("a background loop hands out references to what lives long enough") {
  weft::background_loop loop;
  CHECK(is_there(loop.run(refer)));
}
