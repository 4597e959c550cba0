// A dump of a great many tasks: fast enough to ask for it where something hangs.
#include "weft/dump.hpp"

#include <chrono>
#include <cstddef>
#include <string>

#include "support/backends.hpp"
#include "weft/event.hpp"
#include "weft/metrics.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"

#include <doctest/doctest.h>

using support::run_on;

namespace {

constexpr std::size_t many = 100'000;

weft::task<> wait_for(weft::event& awaited, std::size_t& resumed) {
  co_await awaited.wait();
  ++resumed;
}

weft::task<> wait_through(weft::event& awaited, std::size_t& resumed) {
  co_await wait_for(awaited, resumed);
}

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("a hundred thousand tasks are described at once, and none is resumed") {
  run_on<On>([]() -> weft::task<> {
    weft::event blocked;
    std::size_t resumed = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (std::size_t i = 0; i < many; ++i) tasks.spawn(wait_through(blocked, resumed));
      while (weft::metrics().operations.empty()) co_await weft::yield();
      for (std::size_t begun = 0; begun < many;) {
        co_await weft::yield();
        begun = 0;
        for (auto const& each : weft::metrics().operations)
          if (each.name == "event") begun = each.in_flight;
      }
      auto const resumes = weft::metrics().resumes;
      for (auto const format : {weft::dump_format::text, weft::dump_format::json}) {
        auto const begun = std::chrono::steady_clock::now();
        std::string const dump = weft::dump(format);
        std::chrono::duration<double> const took = std::chrono::steady_clock::now() - begun;
        MESSAGE(many << " tasks in " << took.count() << " s, " << dump.size() << " bytes");
        CHECK(took.count() < 10);
        CHECK(dump.size() > many * 100);
      }
      CHECK(weft::metrics().resumes == resumes);
      CHECK(resumed == 0);
      blocked.set();
    });
    CHECK(resumed == many);
  }());
}
