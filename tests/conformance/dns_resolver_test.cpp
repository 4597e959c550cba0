// net::dns::resolver: names to answers, the cache, and what those who ask the same share.
#include "support/resolving.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "support/every_point.hpp"
#include "weft/net/dns/name.hpp"
#include "weft/weft.hpp"

using namespace std::chrono_literals;
using namespace support;
using namespace weft::net::dns;
using weft::net::address;

namespace {

// Answers with what stands in a zone, or that there is no such name.
name_server::script zone(texts lines) {
  return [lines](request& came) -> weft::task<> {
    auto said = came.answer();
    auto const& asked = came.query.questions[0];
    bool known = false;
    for (auto const& line : lines) {
      auto const one = record::parse(line);
      if (!is_same_name(one.name, asked.name)) continue;
      known = true;
      if (one.type == asked.type) said.answers.push_back(one);
    }
    if (!known) said.rcode = rcode::nxdomain;
    if (said.answers.empty())
      said.authorities = {record::parse("example. 600 IN SOA n.example. h.example. 1 2 3 4 60")};
    co_await came.send(said);
  };
}

texts names_asked(name_server const& server) {
  texts names;
  for (auto const& one : server.asked) names.push_back(one.questions.at(0).name);
  return names;
}

texts printed(std::vector<address> const& addresses) {
  texts text;
  for (auto const& one : addresses) text.push_back(one.to_string());
  return text;
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("an answer tells the records, and who said them how") {
  name_server server(
      saying(texts{"www.Example. 300 IN A 192.0.2.1", "www.example. 5 IN A 192.0.2.2",
                   "other.example. 5 IN A 192.0.2.3"}));
  run_on<On>(resolving({&server}, [&](resolver& asked) -> weft::task<> {
    auto const got = co_await asked.query("WWW.example", type::a);
    CHECK(data_of(got.records) == texts{"192.0.2.1", "192.0.2.2"});
    CHECK(got.name == "WWW.example.");
    CHECK(got.server == server.at());
    CHECK_FALSE(got.over_tcp);
    CHECK_FALSE(got.from_cache);
    CHECK(got.message.answers.size() == 3);
    CHECK(got.message.questions == std::vector{question{"WWW.example.", type::a}});
    CHECK(got.elapsed > 0ns);
    CHECK(got.elapsed < 2s);
  }));
  REQUIRE(server.asked.size() == 1);
  CHECK(server.asked[0].rd);
  CHECK(server.asked[0].edns == edns{.udp_size = 1232});
}

TEST_CASE_ON_EVERY_BACKEND("a question is asked as the options say") {
  name_server server(say_address);
  run_on<On>(resolving({&server}, [&](resolver& asked) -> weft::task<> {
    co_await asked.query("a.example", type::a, {.recurse = false, .dnssec_ok = true});
    auto options = asking({&server});
    options.use_tcp = true;
    options.edns_size = 0;
    co_await with_resolver(options, [](resolver& other, weft::task_scope&) -> weft::task<> {
      auto const got = co_await other.query("b.example", type::a);
      CHECK(got.over_tcp);
    });
  }));
  REQUIRE(server.asked.size() == 2);
  CHECK_FALSE(server.asked[0].rd);
  CHECK(server.asked[0].edns == edns{.udp_size = 1232, .dnssec_ok = true});
  CHECK_FALSE(server.asked[1].edns);
  CHECK(server.over_tcp == 1);
}

TEST_CASE_ON_EVERY_BACKEND(
    "records of every type, of any type and of other classes are asked for") {
  name_server server([](request& came) -> weft::task<> {
    auto const& asked = came.query.questions[0];
    if (asked.record_class == record_class::ch)
      co_return co_await came.send(came.answer({"version.bind. 0 CH TXT \"9.18\""}));
    co_await came.send(came.answer({"e.example. 5 IN MX 10 m.example.", "e.example. 5 IN CNAME x.",
                                    "e.example. 5 IN TYPE65280 \\# 1 ff"}));
  });
  run_on<On>(resolving({&server}, [](resolver& asked) -> weft::task<> {
    auto const aliases = co_await answers_of(asked, "e.example", type::cname);
    CHECK(aliases == texts{"x."});
    auto const all = co_await answers_of(asked, "e.example", type::any);
    CHECK(all == texts{"10 m.example.", "x.", "\\# 1 ff"});
    auto const got =
        co_await asked.query("version.bind", type::txt, {.record_class = record_class::ch});
    CHECK(data_of(got.records) == texts{"\"9.18\""});
  }));
}

TEST_CASE_ON_EVERY_BACKEND("aliases are followed, in one message or over several") {
  name_server whole(saying(texts{"c.example. 5 IN A 192.0.2.1", "b.example. 5 IN CNAME C.example.",
                                 "www.example. 5 IN CNAME B.example."}));
  name_server pieces(zone({"www.example. 5 IN CNAME B.example.", "b.example. 5 IN CNAME C.example.",
                           "c.example. 5 IN A 192.0.2.1"}));
  run_on<On>(resolving({&whole}, [](resolver& asked) -> weft::task<> {
    auto const got = co_await asked.query("www.example", type::a);
    CHECK(got.name == "C.example.");
    CHECK(data_of(got.records) == texts{"192.0.2.1"});
  }));
  CHECK(whole.asked.size() == 1);
  name_server leaving([](request& came) -> weft::task<> {
    auto const name = came.query.questions[0].name;
    if (name == "C.example.")
      co_await came.send(came.answer({"c.example. 5 IN A 192.0.2.1"}));
    else
      co_await came.send(
          came.answer({"www.example. 5 IN CNAME b.example.", "b.example. 5 IN CNAME C.example."}));
  });
  run_on<On>(resolving({&leaving}, [](resolver& asked) -> weft::task<> {
    auto const got = co_await asked.query("www.example", type::a);
    CHECK(got.name == "C.example.");
    CHECK(data_of(got.records) == texts{"192.0.2.1"});
    CHECK(data_of(got.message.answers) == texts{"b.example.", "C.example.", "192.0.2.1"});
    CHECK(got.message.questions == std::vector{question{"www.example.", type::a}});
  }));
  CHECK(names_asked(leaving) == texts{"www.example.", "C.example."});
}

TEST_CASE_ON_EVERY_BACKEND("an alias to a name without records is nodata, to none nxdomain") {
  name_server server([](request& came) -> weft::task<> {
    bool const is_mx = came.query.questions[0].type == type::mx;
    auto said = came.failure(is_mx ? rcode::nxdomain : rcode::noerror);
    said.answers = {record::parse("www.example. 5 IN CNAME b.example.")};
    said.authorities = {record::parse("example. 5 IN SOA n.example. h.example. 1 2 3 4 60")};
    co_await came.send(said);
  });
  run_on<On>(resolving({&server}, [](resolver& asked) -> weft::task<> {
    CHECK(co_await failure_of(asked, "www.example", type::a) == errc::nodata);
    CHECK(co_await failure_of(asked, "www.example", type::mx) == errc::nxdomain);
  }));
  CHECK(server.asked.size() == 2);
}

TEST_CASE_ON_EVERY_BACKEND("short names are searched for, as ndots says") {
  name_server server(zone({"db.corp.example. 5 IN A 192.0.2.1", "a.b. 5 IN A 192.0.2.2",
                           "a.b.corp.example. 5 IN A 192.0.2.3", "solo. 5 IN A 192.0.2.4",
                           "half.corp.example. 5 IN MX 1 m."}));
  run_on<On>([&]() -> weft::task<> {
    auto options = asking({&server});
    options.search = {"none.example", "corp.example."};
    options.cache_size = 0;
    co_await resolving({&server}, options, [&](resolver& asked) -> weft::task<> {
      auto const tried = [&](std::string_view name, texts const& names) -> weft::task<std::string> {
        server.asked.clear();
        auto const got = co_await weft::as_result(answers_of(asked, name));
        CHECK(names_asked(server) == names);
        co_return got ? got->at(0) : got.error().message();
      };
      CHECK(co_await tried("db", {"db.none.example.", "db.corp.example."}) == "192.0.2.1");
      CHECK(co_await tried("a.b", {"a.b."}) == "192.0.2.2");
      CHECK(co_await tried("solo", {"solo.none.example.", "solo.corp.example.", "solo."}) ==
            "192.0.2.4");
      CHECK(co_await tried("solo.", {"solo."}) == "192.0.2.4");
      CHECK(co_await tried("no.where", {"no.where.", "no.where.none.example.",
                                        "no.where.corp.example."}) == "there is no such name");
      // That one name was there tells more than that others were not.
      CHECK(co_await tried("half", {"half.none.example.", "half.corp.example.", "half."}) ==
            "the name has no record of that type");
      CHECK(co_await tried("solo\\.", {"solo\\..none.example.", "solo\\..corp.example.",
                                       "solo\\.."}) == "there is no such name");
      CHECK(co_await complaint_of(asked, "db.", type::a) ==
            "query db. A at " + server.at().to_string() + ": there is no such name");
      auto const long_name = std::string(63, 'x') + "." + std::string(63, 'y') + "." +
                             std::string(63, 'z') + "." + std::string(59, 'w');
      CHECK(co_await tried(long_name, {long_name + "."}) == "there is no such name");
    });
    options.ndots = 2;
    co_await resolving({&server}, options, [&](resolver& asked) -> weft::task<> {
      CHECK(co_await answers_of(asked, "a.b") == texts{"192.0.2.3"});
      auto const got = co_await asked.query("a.b", type::a, {.search = false});
      CHECK(data_of(got.records) == texts{"192.0.2.2"});
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND(
    "a search ends where a server does not answer, and goes on where it fails") {
  name_server server([](request& came) -> weft::task<> {
    auto const& name = came.query.questions[0].name;
    if (name == "x.failing.example.") co_await came.send(came.failure(rcode::servfail));
    if (name == "x.refusing.example.") co_await came.send(came.failure(rcode::refused));
    if (name == "x.") co_await say_address(came);
  });
  run_on<On>([&]() -> weft::task<> {
    auto options = asking({&server});
    options.search = {"failing.example"};
    co_await resolving({&server}, options, [](resolver& asked) -> weft::task<> {
      CHECK(co_await answers_of(asked, "x") == texts{"192.0.2.1"});
    });
    options.search = {"refusing.example"};
    co_await resolving({&server}, options, [](resolver& asked) -> weft::task<> {
      CHECK(co_await failure_of(asked, "x") == errc::refused);
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("an international name is asked for in ASCII") {
  name_server server(say_address);
  run_on<On>(resolving({&server}, [](resolver& asked) -> weft::task<> {
    CHECK(co_await answers_of(asked, "bücher.example") == texts{"192.0.2.1"});
    CHECK_THROWS_AS(co_await asked.query("a..b", type::a), std::invalid_argument);
    CHECK_THROWS_AS(co_await asked.query("☃.example", type::a), std::invalid_argument);
  }));
  CHECK(names_asked(server) == texts{"xn--bcher-kva.example."});
}

TEST_CASE_ON_EVERY_BACKEND("the addresses of a name are those of both families") {
  name_server server(zone({"both.example. 5 IN A 192.0.2.1", "both.example. 5 IN AAAA 2001:db8::1",
                           "both.example. 5 IN A 192.0.2.2", "four.example. 5 IN A 192.0.2.4",
                           "none.example. 5 IN MX 1 m."}));
  run_on<On>(resolving({&server}, [&](resolver& asked) -> weft::task<> {
    auto const of = [&](std::string_view name) -> weft::task<texts> {
      co_return printed(co_await asked.addresses(name));
    };
    auto const of_both = co_await of("both.example");
    CHECK(of_both == texts{"2001:db8::1", "192.0.2.1", "192.0.2.2"});
    CHECK(co_await of("four.example") == texts{"192.0.2.4"});
    auto const missing = co_await weft::as_result(asked.addresses("none.example"));
    CHECK(missing.error() == errc::nodata);
    auto const unknown = co_await weft::as_result(asked.addresses("unknown.example"));
    CHECK(unknown.error() == errc::nxdomain);
    server.asked.clear();
    CHECK(co_await of("192.0.2.9") == texts{"192.0.2.9"});
    CHECK(co_await of("::1") == texts{"::1"});
    auto const of_localhost = co_await of("LocalHost");
    CHECK(of_localhost == texts{"::1", "127.0.0.1"});
    auto const of_one_below = co_await of("a.localhost.");
    CHECK(of_one_below == texts{"::1", "127.0.0.1"});
    CHECK(server.asked.empty());
  }));
}

TEST_CASE_ON_EVERY_BACKEND("an address leads to its names") {
  name_server server(zone({"1.2.0.192.in-addr.arpa. 5 IN PTR www.example.",
                           "1.2.0.192.in-addr.arpa. 5 IN PTR Example."}));
  run_on<On>(resolving({&server}, [](resolver& asked) -> weft::task<> {
    auto const names = co_await asked.reverse(address::parse("192.0.2.1"));
    CHECK(names == texts{"www.example.", "Example."});
    auto const unknown = co_await weft::as_result(asked.reverse(address::loopback_v6()));
    CHECK(unknown.error() == errc::nxdomain);
  }));
}

TEST_CASE_ON_EVERY_BACKEND("servers take turns when they shall") {
  name_server first(say_address);
  name_server second(say_address);
  run_on<On>([&]() -> weft::task<> {
    auto options = asking({&first, &second});
    options.rotate = true;
    co_await resolving({&first, &second}, options, [](resolver& asked) -> weft::task<> {
      for (auto const* name : {"a", "b", "c", "d"}) co_await asked.query(name, type::a);
    });
  }());
  CHECK(names_asked(first) == texts{"a.", "c."});
  CHECK(names_asked(second) == texts{"b.", "d."});
}

TEST_CASE_ON_EVERY_BACKEND("options that mean nothing are refused") {
  run_on<On>(weft::scope([](weft::task_scope& tasks) -> weft::task<> {
    CHECK_THROWS_AS(resolver(tasks, {.attempts = 0}), std::invalid_argument);
    CHECK_THROWS_AS(resolver(tasks, {.timeout = 0s}), std::invalid_argument);
    CHECK_THROWS_AS(resolver(tasks, {.search = {"a..b"}}), std::invalid_argument);
    resolver const nowhere(tasks, resolver_options{});
    CHECK(nowhere.options().servers == std::vector{weft::net::endpoint::parse("127.0.0.1:53")});
    co_return;
  }));
}
