// net::dns::resolver: many questions at once, those that are shared, kept or given up, and single
// exchanges.
#include "support/resolving.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "support/allocations.hpp"
#include "support/backends.hpp"
#include "support/every_point.hpp"
#include "weft/weft.hpp"

using namespace std::chrono_literals;
using namespace support;
using namespace weft::net::dns;
using weft::net::endpoint;

namespace {

// A server that answers what has come once it is told to.
struct slow_server : name_server {
  slow_server()
      : name_server([this](request& came) -> weft::task<> {
          ++waiting;
          came_in.set();
          co_await release.wait();
          co_await say_address(came);
        }) {}

  weft::event release;
  weft::event came_in;
  int waiting = 0;
};

}  // namespace

TEST_CASE_ON_EVERY_BACKEND(
    "thousands of questions at once go out over few sockets, from many ports") {
  constexpr int count = 2'000;
  std::size_t most = 0;
  name_server server([&](request& came) -> weft::task<> {
    most = std::max(most, open_descriptors());
    co_await weft::sleep_for(20ms);
    auto const& name = came.query.questions[0].name;
    co_await came.send(came.answer({name + " 5 IN TXT " + name}));
  });
  int right = 0;
  std::size_t const before = open_descriptors();
  auto options = asking({&server});
  options.attempts = 5;  // a slow server's socket overflows, and what is lost is asked for again
  run_on<On>(resolving({&server}, options, [&](resolver& asked) -> weft::task<> {
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < count; ++i)
        tasks.spawn([&, name = "n" + std::to_string(i) + ".example."]() -> weft::task<> {
          if (co_await answers_of(asked, name, type::txt) == texts{'"' + name + '"'}) ++right;
        });
      co_return;
    });
  }));
  CHECK(right == count);
  CHECK(most <= before + 20);
  CHECK(open_descriptors() == before);
  std::set<std::uint16_t> const ports(server.ports.begin(), server.ports.end());
  CHECK(ports.size() >= 8);
  std::set<std::uint16_t> ids;
  int steps = 0;  // as of a counter
  for (std::size_t i = 0; i < server.asked.size(); ++i) {
    ids.insert(server.asked[i].id);
    if (i > 0 && server.asked[i].id == server.asked[i - 1].id + 1) ++steps;
  }
  CHECK(ids.size() > count * 9 / 10);
  CHECK(steps < 10);
  CHECK(*ids.begin() < 1'000);
  CHECK(*ids.rbegin() > 64'000);
}

TEST_CASE_ON_EVERY_BACKEND("questions asked one after another go out from ports of their own") {
  name_server server(say_address);
  run_on<On>(resolving({&server}, [](resolver& asked) -> weft::task<> {
    for (int i = 0; i < 20; ++i) co_await asked.query("n" + std::to_string(i), type::a);
  }));
  std::set<std::uint16_t> const ports(server.ports.begin(), server.ports.end());
  CHECK(ports.size() >= 10);
}

TEST_CASE_ON_EVERY_BACKEND(
    "those who ask the same at the same time share the question and the answer") {
  slow_server server;
  run_on<On>(resolving({&server}, [&](resolver& asked) -> weft::task<> {
    int answered = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 100; ++i)
        tasks.spawn([&, i]() -> weft::task<> {
          auto const* const name = i % 2 == 0 ? "www.example" : "WWW.example.";
          answered += static_cast<int>((co_await answers_of(asked, name)).size());
        });
      tasks.spawn([&]() -> weft::task<> { co_await failure_of(asked, "www.example", type::mx); });
      co_await server.came_in.wait();
      while (server.waiting < 2) co_await weft::yield();
      server.release.set();
    });
    CHECK(answered == 100);
  }));
  CHECK(server.asked.size() == 2);
}

TEST_CASE_ON_EVERY_BACKEND("a shared question outlives the one who asked it first") {
  slow_server server;
  run_on<On>(resolving({&server}, [&](resolver& asked) -> weft::task<> {
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const ask = [&]() -> weft::task<texts> { co_return co_await answers_of(asked, "www"); };
      auto const first = tasks.spawn(ask);
      auto const second = tasks.spawn(ask);
      co_await server.came_in.wait();
      first.cancel();
      CHECK_THROWS_AS(co_await first, weft::child_cancelled);
      server.release.set();
      CHECK(co_await second == texts{"192.0.2.1"});
    });
  }));
  CHECK(server.asked.size() == 1);
}

TEST_CASE_ON_EVERY_BACKEND("a question that nobody waits for any more leaves nothing behind") {
  slow_server server;
  run_on<On>(beside({&server}, [&]() -> weft::task<> {
    co_await with_resolver(
        asking({&server}), [&](resolver& asked, weft::task_scope& background) -> weft::task<> {
          std::size_t const before = open_descriptors();
          auto const give_up = [&](auto&& query) -> weft::task<> {
            server.came_in.reset();
            co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
              auto const gone = tasks.spawn(query());
              co_await server.came_in.wait();
              CHECK(open_descriptors() > before);
              gone.cancel();
            });
            while (background.size() != 0) co_await weft::yield();
            CHECK(open_descriptors() == before);
          };
          co_await give_up([&] { return asked.query("www.example", type::a); });
          co_await give_up([&] { return asked.addresses("www.example"); });
          co_await give_up(
              [&] { return asked.exchange(make_query("www.example", type::a), server.at()); });
          // Asked again, it is a new question.
          server.release.set();
          CHECK(co_await answers_of(asked, "www.example") == texts{"192.0.2.1"});
        });
  }));
  CHECK(server.asked.size() == 5);
}

TEST_CASE_ON_EVERY_BACKEND("a resolver that is destroyed ends the queries that wait") {
  slow_server server;
  run_on<On>(beside({&server}, [&]() -> weft::task<> {
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto asked = std::make_unique<resolver>(tasks, asking({&server}));
      auto const failed = tasks.spawn(
          [&]() -> weft::task<std::string> { return complaint_of(*asked, "www.example"); });
      co_await server.came_in.wait();
      asked.reset();
      CHECK(co_await failed ==
            "query www.example. A at " + server.at().to_string() + ": the resolver was closed");
    });
  }));
}

TEST_CASE_ON_EVERY_BACKEND("a scope that is cancelled ends the queries of its resolver elsewhere") {
  slow_server server;
  run_on<On>(beside({&server}, [&]() -> weft::task<> {
    weft::event ready;
    resolver* asked = nullptr;
    std::error_code before;
    std::error_code after;
    co_await weft::scope([&](weft::task_scope& elsewhere) -> weft::task<> {
      elsewhere.spawn([&]() -> weft::task<> {
        co_await ready.wait();
        before = co_await failure_of(*asked, "www.example");
        after = co_await failure_of(*asked, "other.example");
        ready.reset();
      });
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        resolver own(tasks, asking({&server}));
        asked = &own;
        ready.set();
        co_await server.came_in.wait();
        tasks.cancel();
        co_await weft::shield([&]() -> weft::task<> {
          while (ready.is_set()) co_await weft::yield();
        });
      });
    });
    CHECK(before == errc::closed);
    CHECK(after == errc::closed);
  }));
}

TEST_CASE_ON_EVERY_BACKEND("answers are kept for as long as they hold, also those that say no") {
  name_server server([](request& came) -> weft::task<> {
    auto const name = came.query.questions[0].name;
    if (name == "none.example." || name == "empty.example.")
      co_return co_await saying_none(name == "none.example." ? rcode::nxdomain
                                                             : rcode::noerror)(came);
    co_await came.send(came.answer({name + " 300 IN A 192.0.2.1", name + " 100 IN A 192.0.2.2"}));
  });
  run_on<On>(resolving({&server}, [&](resolver& asked) -> weft::task<> {
    auto const asks = [&](std::string_view name, type of = type::a,
                          query_options options = {}) -> weft::task<bool> {
      server.asked.clear();
      auto const got = co_await weft::as_result(asked.query(name, of, options));
      CHECK((got || got.error() == errc::nxdomain || got.error() == errc::nodata));
      co_return !server.asked.empty();
    };
    CHECK(co_await asks("www.example"));
    CHECK_FALSE(co_await asks("WWW.Example."));
    CHECK(co_await asks("www.example", type::a, {.use_cache = false}));
    CHECK(co_await asks("www.example", type::a, {.dnssec_ok = true}));
    CHECK(co_await asks("none.example", type::mx));
    CHECK_FALSE(co_await asks("none.example", type::mx));
    CHECK_FALSE(co_await asks("none.example", type::a));  // there is no such name, for any type
    CHECK(co_await asks("empty.example", type::mx));
    CHECK_FALSE(co_await asks("empty.example", type::mx));
    CHECK(co_await asks("empty.example", type::a));
    auto const kept = co_await asked.query("www.example", type::a);
    CHECK(kept.from_cache);
    CHECK(kept.server == server.at());
    CHECK(kept.records.at(1).ttl <= 100s);

    if constexpr (std::is_same_v<On, simulated>) {  // where time costs nothing
      co_await weft::sleep_for(59s);
      CHECK_FALSE(co_await asks("none.example"));
      CHECK_FALSE(co_await asks("empty.example"));
      auto const aged = co_await asked.query("www.example", type::a);
      CHECK(aged.records.at(0).ttl == 241s);
      CHECK(aged.message.answers.at(1).ttl == 41s);
      co_await weft::sleep_for(1s);  // the minimum of the SOA record
      CHECK(co_await asks("none.example"));
      CHECK(co_await asks("empty.example"));
      co_await weft::sleep_for(41s);  // the shortest time to live
      CHECK(co_await asks("www.example"));
    }
  }));
}

TEST_CASE_ON_EVERY_BACKEND("what is kept for the type 0 is for that type alone") {
  name_server server([](request& came) -> weft::task<> {
    bool const is_v4 = came.query.questions[0].type == type::a;
    auto said = is_v4 ? came.answer({"www.example. 300 IN A 192.0.2.1"}) : came.answer();
    if (!is_v4)
      said.authorities = {weft::net::dns::record::parse(
          "example. 300 IN SOA ns.example. hostmaster.example. 1 2 3 4 300")};
    co_await came.send(said);
  });
  run_on<On>(resolving({&server}, [](resolver& asked) -> weft::task<> {
    CHECK(co_await failure_of(asked, "www.example.", type{0}) == errc::nodata);
    CHECK(co_await answers_of(asked, "www.example.") == texts{"192.0.2.1"});
  }));
  CHECK(server.asked.size() == 2);
}

TEST_CASE_ON_EVERY_BACKEND("what holds for no time, or is no answer, is not kept") {
  name_server server([](request& came) -> weft::task<> {
    auto const name = came.query.questions[0].name;
    if (name == "fails.example.") co_return co_await came.send(came.failure(rcode::servfail));
    if (name == "none.example.") co_return co_await came.send(came.failure(rcode::nxdomain));
    co_await came.send(came.answer({name + " 0 IN A 192.0.2.1"}));
  });
  run_on<On>(resolving({&server}, [](resolver& asked) -> weft::task<> {
    for (auto const* name : {"www.example", "none.example", "fails.example"})
      for (int i = 0; i < 2; ++i) co_await failure_of(asked, name);
  }));
  CHECK(server.asked.size() == 2 + 2 + 4);
}

TEST_CASE_ON_EVERY_BACKEND("an exchange yields what one server says, whatever that is") {
  name_server server([](request& came) -> weft::task<> {
    auto said = came.failure(came.over_tcp ? rcode::refused : rcode::nxdomain);
    said.tc = came.query.questions[0].type == type::txt && !came.over_tcp;
    co_await came.send(said);
  });
  name_server silent(say_nothing);
  run_on<On>(beside({&server, &silent}, [&]() -> weft::task<> {
    resolver_options options;
    options.search = {"example"};
    co_await with_resolver(options, [&](resolver& asked, weft::task_scope&) -> weft::task<> {
      auto const ask = [&](type of, exchange_options how = {}) {
        return asked.exchange(make_query("www", of), server.at(), how);
      };
      auto const plain = co_await ask(type::a);
      CHECK(plain.message.rcode == rcode::nxdomain);
      CHECK(plain.message.id == server.asked.at(0).id);
      CHECK(plain.message.questions.at(0).name == "www.");
      CHECK(plain.server == server.at());
      CHECK_FALSE(plain.over_tcp);
      CHECK(plain.size_bytes == encode(plain.message).size());
      CHECK(plain.elapsed > 0ns);
      auto const over_tcp = co_await ask(type::a, {.use_tcp = true});
      CHECK(over_tcp.message.rcode == rcode::refused);
      CHECK(over_tcp.over_tcp);
      auto const longer = co_await ask(type::txt);
      CHECK(longer.over_tcp);
      auto const cut = co_await ask(type::txt, {.tcp_on_truncation = false});
      CHECK(cut.message.tc);
      CHECK_FALSE(cut.over_tcp);
      auto const late = co_await weft::as_result(
          asked.exchange(make_query("www", type::a), silent.at(), {.timeout = 20ms}));
      CHECK(late.error() == errc::timed_out);
      CHECK(silent.asked.size() == 1);
      CHECK_THROWS_AS(co_await asked.exchange(message(), server.at()), std::invalid_argument);
    });
  }));
  CHECK(server.asked.size() == 5);
}

TEST_CASE_ON_EVERY_BACKEND("exchanges with many servers keep nothing of those that have ended") {
  if (!allocations_can_fail) {
    MESSAGE("skipped: ThreadSanitizer's operator new cannot be replaced");
    return;
  }
  run_on<On>([&]() -> weft::task<> {
    co_await with_resolver({}, [&](resolver& asked, weft::task_scope&) -> weft::task<> {
      long settled_down = 0;
      for (unsigned i = 0; i < 2'000; ++i) {
        if (i == 1'000) settled_down = support::live_allocations();
        auto const server = endpoint::parse(fmt::format("127.1.{}.{}:1", i / 256, i % 256));
        auto const none = co_await weft::as_result(
            asked.exchange(make_query("www", type::a), server, {.timeout = 10s}));
        CHECK(none.error() == errc::unreachable);
      }
      CHECK(support::live_allocations() < settled_down + 500);
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("an exchange awaits the opcode that it has sent") {
  name_server server([](request& came) -> weft::task<> {
    auto said = came.answer({});
    said.opcode = opcode::query;
    co_await came.send(said);
    said.opcode = came.query.opcode;
    said.rcode = rcode::notimp;
    co_await came.send(said);
  });
  run_on<On>(resolving({&server}, [&](resolver& asked) -> weft::task<> {
    auto query = make_query("example", type::soa);
    query.opcode = opcode::notify;
    for (bool const use_tcp : {false, true}) {
      auto const said = co_await asked.exchange(query, server.at(), {.use_tcp = use_tcp});
      CHECK(said.message.opcode == opcode::notify);
      CHECK(said.message.rcode == rcode::notimp);
    }
  }));
}

TEST_CASE_ON_EVERY_BACKEND("a query ends cleanly wherever it is cancelled") {
  name_server server([](request& came) -> weft::task<> {
    auto said = came.answer({"www.example. 0 IN A 192.0.2.1"});
    said.tc = !came.over_tcp;
    co_await came.send(said);
  });
  int const rounds = cancel_at_every_point<On>([&]() -> weft::task<> {
    co_await resolving({&server}, [](resolver& asked) -> weft::task<> {
      co_await asked.query("www.example", type::a);
    });
  });
  CHECK(rounds > 10);
}

TEST_CASE_ON_EVERY_BACKEND("a query that runs out of memory anywhere leaves a working loop") {
  if (!allocations_can_fail) {
    MESSAGE("skipped: ThreadSanitizer's operator new cannot be replaced");
    return;
  }
  name_server server(say_address);
  int const rounds = fail_every_allocation<On>([&]() -> weft::task<> {
    co_await resolving({&server}, [](resolver& asked) -> weft::task<> {
      co_await weft::with_timeout(1s, asked.query("www.example", type::a));
    });
  });
  CHECK(rounds > 10);
}
