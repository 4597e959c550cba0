// Results of the queue on the network: each goes to one taker, until that has confirmed it.
#include "weft/net/queue/client.hpp"

#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <optional>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "support/backends.hpp"
#include "support/queue_place.hpp"
#include "weft/net.hpp"
#include "weft/net/queue/server.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::put_numbers;
using support::thrown_by;
using weft::net::queue_client;

namespace {

using place = support::queue_place;
constexpr auto key = place::key;

void with_server(weft::net::queue_policy policy,
                 std::function<weft::task<>(place const&)> const& body) {
  support::with_queue_server<On>({.key = key, .policy = policy}, body);
}

void with_server(std::function<weft::task<>(place const&)> const& body) { with_server({}, body); }

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("results that were not confirmed go to the next taker") {
  with_server([](place const& here) -> weft::task<> {
    auto worker = here.client();
    co_await put_numbers(worker, 3);
    for (int i = 0; i < 3; ++i) {
      auto task = co_await worker.take();
      auto const value = task->value<int>();
      co_await worker.ack(std::move(*task), value);
    }
    {
      auto first = here.client();
      auto results = first.results();
      CHECK((co_await results.next())->value<int>() == 0);
      auto another = first.results();
      CHECK(co_await thrown_by<std::logic_error>(
          [](auto& of) -> weft::task<> { co_await of.next(); }(another)));
    }
    auto second = here.client();
    auto results = second.results();
    for (int i = 0; i < 3; ++i) CHECK((co_await results.next())->value<int>() == i);
  });
}

TEST_CASE_ON_REAL_BACKENDS("a results() that is left goes on where it was, in the same client") {
  with_server([](place const& here) -> weft::task<> {
    auto queue = here.client();
    co_await put_numbers(queue, 3);
    for (int i = 0; i < 3; ++i) co_await queue.ack(*co_await queue.take(), i);
    for (int i = 0; i < 3; ++i) {
      auto results = queue.results();
      CHECK((co_await results.next())->value<int>() == i);
    }
    auto results = queue.results();
    co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      here.tasks().spawn([&]() -> weft::task<> {
        scope.cancel();
        co_return;
      });
      co_await results.next();
    });
    co_await queue.put(4);
    co_await queue.ack(*co_await queue.take(), 4);
    auto more = queue.results();
    CHECK((co_await more.next())->value<int>() == 4);
  });
}

TEST_CASE_ON_REAL_BACKENDS("a next() that is cancelled while its result is on its way loses none") {
  with_server([](place const& here) -> weft::task<> {
    auto worker = here.client();
    for (int i = 0; i < 100; ++i) {
      auto taker = here.client();
      std::optional<int> got;
      {
        auto results = taker.results();
        auto const taking = here.tasks().spawn([&]() -> weft::task<> {
          auto const result = co_await results.next();
          got = result->template value<int>();
        });
        co_await taker.depth();
        co_await worker.put(i);
        auto task = co_await worker.take();
        co_await worker.ack(std::move(*task), i);
        for (int turns = 0; turns < i % 5; ++turns) co_await weft::sleep_for(0s);
        if (!taking.ended()) taking.cancel();
        while (!taking.ended()) co_await weft::sleep_for(0s);
      }
      if (!got) {
        auto results = taker.results();
        got = (co_await results.next())->value<int>();
      }
      CHECK(got == i);
      co_await taker.close();  // confirms it, by asking for more
      auto rest = taker.results();
      CHECK_FALSE(co_await rest.next());
      co_await taker.open();
    }
  });
}
