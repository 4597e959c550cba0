// One body for every combinator and primitive, each with suspensions of all its kinds, for the
// harnesses that end it at every point. A body checks what it may on the way; what must hold
// however it ended is checked by destructors and by the harness.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>

#include "support/bytes.hpp"
#include "support/every_point.hpp"
#include "weft/weft.hpp"

namespace bodies {

using namespace std::chrono_literals;
using support::expect;

inline weft::task<int> later(int value, std::chrono::nanoseconds after = 10us) {
  co_await weft::sleep_for(after);
  co_await weft::yield();
  co_return value;
}

inline weft::task<> scopes() {
  co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
    auto first = tasks.spawn(later(1));
    tasks.spawn(later(2)).name("second");
    tasks.spawn([&tasks]() -> weft::task<> {
      co_await weft::yield();
      tasks.spawn(later(3));
    });
    auto const victim = tasks.spawn(later(4, 1h));
    expect(co_await first == 1);
    victim.cancel();
  });
}

inline weft::task<> all() {
  auto const both = co_await weft::when_all(later(1), later(2));
  expect(std::get<0>(both) + std::get<1>(both) == 3);
  std::vector<weft::task<int>> many;
  for (int i = 0; i < 4; ++i) many.push_back(later(i));
  expect((co_await weft::when_all(std::move(many))).size() == 4);
}

inline weft::task<> any() {
  auto won = co_await weft::when_any(later(1, 1us), later(2, 1h));
  expect(won.index == 0);
  std::vector<weft::task<int>> many;
  for (int i = 1; i < 4; ++i) many.push_back(later(i, i * 5us));
  expect((co_await weft::when_any(std::move(many))).index == 0);
}

inline weft::task<> timeouts() {
  expect(co_await weft::with_timeout(1h, later(7)) == 7);
  bool timed_out = false;
  try {
    co_await weft::with_timeout(20us, later(8, 1h));
  } catch (weft::timed_out const&) {
    timed_out = true;
  }
  expect(timed_out);
  expect(co_await weft::with_deadline(weft::now() + 1h, later(9)) == 9);
}

inline weft::task<> shields() {
  auto const shared = std::make_shared<bool>(false);
  struct must_be_done {
    std::shared_ptr<bool> done;
    bool begun = false;
    ~must_be_done() { expect(!begun || *done); }
  } check{shared};
  check.begun = true;
  try {
    co_await weft::shield([shared]() -> weft::task<> {
      co_await weft::yield();
      co_await later(1);
      *shared = true;
    });
  } catch (std::bad_alloc const&) {
    check.begun = false;
    throw;
  }
}

inline weft::task<> clean_ups() {
  // Whatever happens in the body, the clean-up runs to its end.
  auto const state = std::make_shared<std::pair<bool, bool>>();
  struct must_be_clean {
    std::shared_ptr<std::pair<bool, bool>> state;
    ~must_be_clean() { expect(state->first == state->second); }
  } const check{state};
  try {
    co_await weft::finally(
        [state]() -> weft::task<> {
          state->first = true;
          co_await later(1);
        },
        [state]() -> weft::task<> {
          co_await weft::yield();
          co_await later(2);
          state->second = true;
        });
  } catch (std::bad_alloc const&) {
    state->first = state->second;
    throw;
  }
}

inline weft::task<> regions() {
  expect(co_await weft::cancellable([](weft::cancel_scope& scope) -> weft::task<> {
    co_await later(1);
    scope.cancel();
    co_await weft::shield(later(2));
  }));
  expect(!co_await weft::cancellable([](weft::cancel_scope& scope) -> weft::task<> {
    scope.cancel();
    co_await weft::yield();
  }));
  expect((co_await weft::until_stop(later(5))) == 5);
}

inline weft::generator<int> numbers(int up_to) {
  for (int i = 1; i <= up_to; ++i) {
    co_await weft::yield();
    co_yield i;
    co_await later(i);
  }
}

inline weft::task<> generators() {
  auto sequence = numbers(3);
  int sum = 0;
  while (auto next = co_await sequence.next()) sum += *next;
  expect(sum == 6);
  auto left_early = numbers(3);
  expect(co_await left_early.next() == 1);
}

inline weft::task<> retries() {
  int tries = 0;
  auto const value =
      co_await weft::retry({.attempts = 3, .first_delay = 10us}, [&]() -> weft::task<int> {
        co_await weft::yield();
        if (++tries < 3) throw std::runtime_error("again");
        co_return co_await later(tries);
      });
  expect(value == 3);
}

inline weft::task_local<int> level{0};

inline weft::task<> locals() {
  co_await level.with(1, []() -> weft::task<> {
    co_await weft::yield();
    co_await level.with(2, []() -> weft::task<> {
      co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
        tasks.spawn([]() -> weft::task<> {
          co_await weft::yield();
          expect(level.get() == 2);
        });
        co_return;
      });
    });
    expect(level.get() == 1);
  });
}

inline weft::task<> events() {
  weft::event ready;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    for (int i = 0; i < 3; ++i) tasks.spawn([&]() -> weft::task<> { co_await ready.wait(); });
    co_await weft::yield();
    ready.set();
    co_await ready.wait();
  });
}

inline weft::task<> mutexes() {
  weft::mutex guarded;
  int inside = 0;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    for (int i = 0; i < 3; ++i)
      tasks.spawn([&, i]() -> weft::task<> {
        auto const lock = co_await guarded.lock();
        struct leaving {
          int& inside;
          explicit leaving(int& count) : inside(++count) { expect(inside == 1); }
          ~leaving() { --inside; }
        } const in(inside);
        co_await later(i);
      });
    co_return;
  });
  expect(!guarded.is_locked());
}

inline weft::task<> semaphores() {
  weft::semaphore permits(2);
  struct all_back {
    weft::semaphore& permits;
    ~all_back() { expect(permits.available() == 2); }
  } const check{permits};
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    for (std::size_t i = 0; i < 4; ++i)
      tasks.spawn([&, i]() -> weft::task<> {
        auto const held = co_await permits.acquire(1 + i % 2);
        co_await later(1);
      });
    co_return;
  });
}

// Items are counted: none is lost and none comes twice, wherever the senders and receivers end.
struct ledger {
  int sent = 0;
  int received = 0;
};

inline weft::task<> channel_of(std::size_t capacity, std::shared_ptr<ledger> counts) {
  weft::channel<std::unique_ptr<int>> items(capacity);
  struct leftovers {
    weft::channel<std::unique_ptr<int>>& items;
    std::shared_ptr<ledger> counts;
    ~leftovers() {
      while (items.try_receive()) ++counts->received;
      expect(counts->sent == counts->received);
    }
  } const check{items, counts};
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    for (int s = 0; s < 2; ++s)
      tasks.spawn([&]() -> weft::task<> {
        for (int i = 0; i < 3; ++i) {
          auto item = std::make_unique<int>(i);
          struct settle {  // sent if and only if it was taken from us
            std::unique_ptr<int>& item;
            ledger& counts;
            ~settle() { counts.sent += item == nullptr; }
          } const settled{item, *counts};
          co_await items.send(std::move(item));
        }
      });
    for (int r = 0; r < 2; ++r)
      tasks.spawn([&]() -> weft::task<> {
        for (int i = 0; i < 3; ++i) {
          auto const item = co_await items.receive();
          if (item) ++counts->received;
          co_await weft::yield();
        }
      });
    co_return;
  });
}

inline weft::task<> channels() {
  co_await channel_of(0, std::make_shared<ledger>());
  co_await channel_of(1, std::make_shared<ledger>());
  co_await channel_of(8, std::make_shared<ledger>());
}

inline weft::task<> remotes() {
  weft::channel<int> items(1);
  auto door = items.remote(8);
  int sum = 0;
  for (int i = 1; i <= 3; ++i) door.try_send(int(i));
  for (int i = 0; i < 3; ++i) sum += (co_await items.receive()).value_or(0);
  expect(sum == 6);
}

inline weft::task<> ticks() {
  weft::interval clock(10us);
  for (int i = 0; i < 3; ++i) co_await clock.next();
  co_await weft::sleep_until(weft::now() + 10us);
}

inline weft::task<> pipes() {
  auto pipe = weft::make_pipe();
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn([&]() -> weft::task<> {
      co_await weft::writable(pipe.write.get());
      co_await pipe.write.write_some(support::bytes_of("ab"));
      co_await later(1);
      co_await pipe.write.write_some(support::bytes_of("cd"));
    });
    co_await weft::readable(pipe.read.get());
    std::array<std::byte, 2> buffer{};
    expect(co_await pipe.read.read_some(buffer) == 2);
    auto const second = co_await weft::as_result(pipe.read.read_some(buffer));
    expect(second.value() == 2);
  });
}

inline weft::task<> blocking_calls() {
  expect(co_await weft::blocking([] { return 5; }) == 5);
  auto const both = co_await weft::when_all(
      []() -> weft::task<int> { co_return co_await weft::blocking([] { return 1; }); }(),
      []() -> weft::task<int> { co_return co_await weft::blocking([] { return 2; }); }());
  expect(std::get<0>(both) + std::get<1>(both) == 3);
}

inline std::map<std::string, support::body> const every_body = {
    {"scope", scopes},          {"when_all", all},         {"when_any", any},
    {"with_timeout", timeouts}, {"shield", shields},       {"finally", clean_ups},
    {"cancellable", regions},   {"generator", generators}, {"retry", retries},
    {"task_local", locals},     {"event", events},         {"mutex", mutexes},
    {"semaphore", semaphores},  {"channel", channels},     {"remote", remotes},
    {"interval", ticks},        {"pipe", pipes},           {"blocking", blocking_calls},
};

}  // namespace bodies
