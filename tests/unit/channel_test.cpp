// Channels: order, capacity, rendezvous, closing, and what a cancellation leaves to whom.
#include "weft/channel.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "weft/cancel.hpp"
#include "weft/remote.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"

using namespace std::chrono_literals;
using support::run_on;
using support::simulated;

namespace {

weft::task<> send_all(weft::channel<int>& to, int from, int count) {
  for (int i = from; i < from + count; ++i) co_await to.send(i);
}

weft::task<> receive_into(weft::channel<int>& from, std::vector<int>& received) {
  while (auto const item = co_await from.receive()) received.push_back(*item);
}

// Lets everything else go as far as it can.
weft::task<> settle() {
  for (int i = 0; i < 10; ++i) co_await weft::yield();
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("items arrive in order, at every capacity") {
  for (std::size_t const capacity : {0u, 1u, 3u, 100u}) {
    CAPTURE(capacity);
    std::vector<int> received;
    run_on<On>([&]() -> weft::task<> {
      weft::channel<int> items(capacity);
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        tasks.spawn([&]() -> weft::task<> {
          co_await send_all(items, 0, 20);
          items.close();
        });
        tasks.spawn(receive_into(items, received));
        co_return;
      });
    }());
    std::vector<int> expected;
    for (int i = 0; i < 20; ++i) expected.push_back(i);
    CHECK(received == expected);
  }
}

TEST_CASE("a channel takes as many items as it has capacity before a send waits") {
  run_on<simulated>([]() -> weft::task<> {
    weft::channel<int> items(3);
    CHECK(items.capacity() == 3);
    int sent = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        for (int i = 0; i < 5; ++i) {
          co_await items.send(i);
          ++sent;
        }
      });
      co_await settle();
      CHECK(sent == 3);
      CHECK(items.size() == 3);
      CHECK(co_await items.receive() == 0);
      CHECK(items.size() == 3);  // the waiting item has moved up
      co_await settle();
      CHECK(sent == 4);
      for (int i = 1; i < 5; ++i) CHECK(co_await items.receive() == i);
    });
    CHECK(sent == 5);
    CHECK(items.size() == 0);
  }());
}

TEST_CASE("a rendezvous completes the send when a receiver has taken the item") {
  run_on<simulated>([]() -> weft::task<> {
    weft::channel<int> items(0);
    bool sent = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        co_await items.send(1);
        sent = true;
      });
      co_await settle();
      CHECK_FALSE(sent);
      CHECK(items.size() == 0);
      CHECK(co_await items.receive() == 1);
      co_await settle();
      CHECK(sent);
    });
  }());
}

TEST_CASE("receivers are served in the order they came") {
  run_on<simulated>([]() -> weft::task<> {
    weft::channel<int> items(0);
    std::vector<int> served;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 3; ++i)
        tasks.spawn([&items, &served, i]() -> weft::task<> {
          auto const item = co_await items.receive();
          served.push_back(i * 10 + *item);
        });
      co_await settle();
      co_await send_all(items, 0, 3);
    });
    CHECK(served == std::vector<int>{0, 11, 22});
  }());
}

TEST_CASE("a closed channel lets receivers drain it, then yields nothing") {
  run_on<simulated>([]() -> weft::task<> {
    weft::channel<int> items(2);
    co_await send_all(items, 1, 2);
    CHECK_FALSE(items.closed());
    items.close();
    items.close();
    CHECK(items.closed());
    CHECK(co_await items.receive() == 1);
    CHECK(co_await items.receive() == 2);
    CHECK_FALSE((co_await items.receive()).has_value());
    CHECK_FALSE((co_await items.receive()).has_value());
  }());
}

TEST_CASE("closing wakes waiting receivers with nothing") {
  run_on<simulated>([]() -> weft::task<> {
    weft::channel<int> items(0);
    int woken = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 2; ++i)
        tasks.spawn([&]() -> weft::task<> {
          if (!co_await items.receive()) ++woken;
        });
      co_await settle();
      items.close();
    });
    CHECK(woken == 2);
  }());
}

TEST_CASE("closing fails waiting and later sends, which keep their items") {
  run_on<simulated>([]() -> weft::task<> {
    weft::channel<std::unique_ptr<int>> items(0);
    auto waiting = std::make_unique<int>(1);
    auto later = std::make_unique<int>(2);
    int refused = 0;
    auto const send = [&](std::unique_ptr<int>& item) -> weft::task<> {
      try {
        co_await items.send(std::move(item));
      } catch (weft::channel_closed const&) {
        ++refused;
      }
    };
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn(send(waiting));
      co_await settle();
      items.close();
    });
    co_await send(later);
    CHECK(refused == 2);
    REQUIRE(waiting);
    REQUIRE(later);
    CHECK(*waiting + *later == 3);
  }());
}

TEST_CASE("a cancelled send leaves the item with its caller, and the others in order") {
  run_on<simulated>([]() -> weft::task<> {
    weft::channel<std::unique_ptr<int>> items(0);
    auto kept = std::make_unique<int>(1);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const first =
          tasks.spawn([&]() -> weft::task<> { co_await items.send(std::move(kept)); });
      tasks.spawn([&]() -> weft::task<> { co_await items.send(std::make_unique<int>(2)); });
      co_await settle();
      first.cancel();
      co_await settle();
      CHECK(first.ended());
      auto const received = co_await items.receive();
      CHECK(**received == 2);
    });
    REQUIRE(kept);
    CHECK(*kept == 1);
  }());
}

TEST_CASE("a send that was accepted before its cancellation counts as sent") {
  run_on<simulated>([]() -> weft::task<> {
    weft::channel<int> items(0);
    bool sent = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const sender = tasks.spawn([&]() -> weft::task<> {
        co_await items.send(1);
        sent = true;
      });
      co_await settle();
      CHECK(items.try_receive() == 1);
      sender.cancel();
    });
    CHECK(sent);
  }());
}

TEST_CASE("a cancelled receive loses no item") {
  run_on<simulated>([]() -> weft::task<> {
    weft::channel<int> items(0);
    std::vector<int> received;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const cancelled = tasks.spawn([&]() -> weft::task<> {
        received.push_back((co_await items.receive()).value());
        co_await weft::yield();
        received.push_back(-1);  // cancelled before this
      });
      tasks.spawn(
          [&]() -> weft::task<> { received.push_back((co_await items.receive()).value()); });
      co_await settle();
      SUBCASE("cancelled while it waits: the next receiver gets the item") {
        cancelled.cancel();
        CHECK(items.try_send(1));
        co_await settle();
        CHECK(received == std::vector<int>{1});
      }
      SUBCASE("cancelled when it has the item already: it yields the item") {
        CHECK(items.try_send(1));
        cancelled.cancel();
        co_await settle();
        CHECK(received == std::vector<int>{1});
        CHECK(items.try_send(2));
        co_await settle();
        CHECK(received == std::vector<int>{1, 2});
      }
    });
  }());
}

TEST_CASE("try_send and try_receive never wait") {
  run_on<simulated>([]() -> weft::task<> {
    weft::channel<std::unique_ptr<int>> items(1);
    CHECK_FALSE(items.try_receive());
    CHECK(items.try_send(std::make_unique<int>(1)));
    auto refused = std::make_unique<int>(2);
    CHECK_FALSE(items.try_send(std::move(refused)));
    REQUIRE(refused);  // NOLINT(bugprone-use-after-move): it is untouched
    CHECK(**items.try_receive() == 1);
    items.close();
    CHECK_FALSE(items.try_send(std::move(refused)));
    CHECK(refused);  // NOLINT(bugprone-use-after-move)
    co_return;
  }());
}

TEST_CASE("items need not be assignable") {
  struct fixed {
    int const value;
  };
  run_on<simulated>([]() -> weft::task<> {
    weft::channel<fixed> items(1);
    co_await items.send(fixed{1});
    CHECK(items.try_receive()->value == 1);
    auto sender = items.remote();
    CHECK(sender.send(fixed{2}));
    CHECK((co_await items.receive())->value == 2);
  }());
}

TEST_CASE("sending an lvalue sends a copy") {
  run_on<simulated>([]() -> weft::task<> {
    weft::channel<std::string> items(0);
    std::string const original = "a text that is too long for the small buffer";
    std::optional<std::string> received;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> { received = co_await items.receive(); });
      co_await items.send(original);
    });
    CHECK(received == original);
  }());
}
