// net::dns::resolver beside servers that fail, lie or say nothing: each fault has its own outcome.
#include "support/resolving.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <array>
#include <ostream>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "weft/weft.hpp"

using namespace std::chrono_literals;
using namespace support;
using namespace weft::net::dns;

namespace {

// What becomes of a question for "www.example" that goes to these servers.
template <class On>
std::error_code outcome(servers const& asked) {
  std::error_code code;
  run_on<On>(resolving(asked, [&](resolver& resolver) -> weft::task<> {
    code = co_await failure_of(resolver, "www.example");
  }));
  return code;
}

// An answer with bytes changed in some way.
name_server::script spoiled(std::function<void(std::vector<std::byte>&)> spoil) {
  return [spoil](request& came) -> weft::task<> {
    auto bytes = encode(came.answer({"www.example. 300 IN A 192.0.2.1"}));
    spoil(bytes);
    co_await came.send(bytes);
  };
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND(
    "a server that says nothing is given its time, again, and then given up") {
  name_server silent(say_nothing);
  run_on<On>([&]() -> weft::task<> {
    auto options = asking({&silent});
    options.timeout = 20ms;
    options.attempts = 3;
    co_await resolving({&silent}, options, [&](resolver& asked) -> weft::task<> {
      auto const begun = weft::now();
      CHECK(co_await failure_of(asked, "www.example") == errc::timed_out);
      CHECK(weft::now() - begun >= 60ms);
      CHECK(co_await complaint_of(asked, "Www.example", type::mx) ==
            "query Www.example. MX at " + silent.at().to_string() + ": no answer in time");
    });
  }());
  CHECK(silent.asked.size() == 6);
}

TEST_CASE_ON_EVERY_BACKEND("the next server is asked when one says nothing") {
  name_server silent(say_nothing);
  name_server good(say_address);
  run_on<On>([&]() -> weft::task<> {
    auto options = asking({&silent, &good});
    options.timeout = 20ms;
    co_await resolving({&silent, &good}, options, [&](resolver& asked) -> weft::task<> {
      auto const got = co_await asked.query("www.example", type::a);
      CHECK(got.server == good.at());
      CHECK(got.elapsed >= 20ms);
    });
  }());
  CHECK(silent.asked.size() == 1);
}

TEST_CASE_ON_EVERY_BACKEND("the next server is asked when one fails, and all again when all fail") {
  struct example {
    rcode said;
    errc code;
    std::size_t asked;  // what is no passing failure is not asked for again
  };
  for (auto const& [said, code, times] : {
           example{rcode::servfail, errc::servfail, 2},
           example{rcode::refused, errc::refused, 1},
           example{rcode::notimp, errc::notimp, 1},
           example{rcode::notauth, errc::bad_rcode, 1},
       }) {
    CAPTURE(to_string(said));
    name_server bad(saying(said));
    name_server worse(saying(said));
    CHECK(outcome<On>({&bad, &worse}) == code);
    CHECK(bad.asked.size() == times);
    CHECK(worse.asked.size() == times);

    name_server good(say_address);
    CHECK_FALSE(outcome<On>({&bad, &good}));
    CHECK(good.asked.size() == 1);
  }
}

TEST_CASE_ON_EVERY_BACKEND("the failures have texts with the name, the type and the servers") {
  name_server first(saying(rcode::refused));
  name_server second(saying(rcode::servfail));
  run_on<On>(resolving({&first, &second}, [&](resolver& asked) -> weft::task<> {
    CHECK(co_await complaint_of(asked, "www.example", type::aaaa) ==
          "query www.example. AAAA at " + first.at().to_string() + ", " + second.at().to_string() +
              ": the server failed");
  }));
}

TEST_CASE_ON_EVERY_BACKEND(
    "that there is no such name, or no such record, is an answer: nobody else is asked") {
  name_server other(say_address);
  name_server nxdomain(saying_none(rcode::nxdomain));
  CHECK(outcome<On>({&nxdomain, &other}) == errc::nxdomain);
  name_server nodata(saying_none(rcode::noerror));
  CHECK(outcome<On>({&nodata, &other}) == errc::nodata);
  name_server another_type(
      saying(texts{"www.example. 5 IN AAAA ::1", "other.example. 5 IN A 192.0.2.1"}));
  CHECK(outcome<On>({&another_type, &other}) == errc::nodata);
  CHECK(other.asked.empty());
}

TEST_CASE_ON_EVERY_BACKEND("a server that points elsewhere does not serve us") {
  name_server pointing([](request& came) -> weft::task<> {
    auto said = came.answer();
    said.ra = false;
    said.authorities = {record::parse("example. 5 IN NS ns.example.")};
    co_await came.send(said);
  });
  CHECK(outcome<On>({&pointing}) == errc::refused);
}

TEST_CASE_ON_EVERY_BACKEND("aliases that lead in circles are found out") {
  name_server server(
      saying(texts{"www.example. 5 IN CNAME b.example.", "b.example. 5 IN CNAME c.example.",
                   "c.example. 5 IN CNAME B.example."}));
  name_server itself(saying(texts{"www.example. 5 IN CNAME www.example."}));
  name_server other(say_address);
  CHECK(outcome<On>({&server, &other}) == errc::cname_loop);
  CHECK(outcome<On>({&itself, &other}) == errc::cname_loop);
  CHECK(other.asked.empty());
  // One alias in each message, and another every time.
  name_server endless([n = 0](request& came) mutable -> weft::task<> {
    co_await came.send(came.answer(
        {came.query.questions[0].name + " 5 IN CNAME x" + std::to_string(++n) + ".example."}));
  });
  CHECK(outcome<On>({&endless, &other}) == errc::cname_loop);
  CHECK(endless.asked.size() == 17);
}

TEST_CASE_ON_EVERY_BACKEND("a server without EDNS is asked without, also the next time") {
  name_server old([](request& came) -> weft::task<> {
    auto said = came.query.edns ? came.failure(rcode::formerr)
                                : came.answer({came.query.questions[0].name + " 0 IN A 192.0.2.1"});
    said.edns.reset();
    said.questions.resize(came.query.edns ? 0 : 1);
    co_await came.send(said);
  });
  run_on<On>(resolving({&old}, [](resolver& asked) -> weft::task<> {
    CHECK(co_await answers_of(asked, "www.example") == texts{"192.0.2.1"});
    CHECK(co_await answers_of(asked, "other.example") == texts{"192.0.2.1"});
  }));
  REQUIRE(old.asked.size() == 3);
  CHECK(old.asked[0].edns);
  CHECK_FALSE(old.asked[1].edns);
  CHECK_FALSE(old.asked[2].edns);
}

TEST_CASE_ON_EVERY_BACKEND(
    "a server that knows EDNS and cannot read the question is not asked again") {
  name_server bad(saying(rcode::formerr));
  CHECK(outcome<On>({&bad}) == errc::formerr);
  CHECK(bad.asked.size() == 1);
}

TEST_CASE_ON_EVERY_BACKEND("what is cut short is asked for over TCP") {
  name_server server([](request& came) -> weft::task<> {
    auto said = came.answer(texts(200, "www.example. 300 IN A 192.0.2.1"));
    co_await came.send(encode(said, came.over_tcp ? 65'535 : 512));
  });
  run_on<On>(resolving({&server}, [](resolver& asked) -> weft::task<> {
    auto const got = co_await asked.query("www.example", type::a);
    CHECK(got.over_tcp);
    CHECK(got.records.size() == 200);
    CHECK_FALSE(got.message.tc);
  }));
  CHECK(server.asked.size() == 2);
  CHECK(server.over_tcp == 1);
}

TEST_CASE_ON_EVERY_BACKEND("what is cut short in its midst is asked for over TCP, too") {
  name_server server([](request& came) -> weft::task<> {
    auto said = came.answer({"www.example. 300 IN A 192.0.2.1"});
    said.tc = !came.over_tcp;
    auto bytes = encode(said);
    if (said.tc) bytes.resize(bytes.size() - 15);
    co_await came.send(bytes);
  });
  run_on<On>(resolving({&server}, [](resolver& asked) -> weft::task<> {
    CHECK(co_await answers_of(asked, "www.example") == texts{"192.0.2.1"});
  }));
}

TEST_CASE_ON_EVERY_BACKEND(
    "an answer over TCP that ends early is an error, and the next server is asked") {
  auto const cutting = [](std::size_t keep, bool reset) -> name_server::script {
    return [keep, reset](request& came) -> weft::task<> {
      auto said = came.answer({"www.example. 300 IN A 192.0.2.1"});
      said.tc = !came.over_tcp;
      if (!came.over_tcp) co_return co_await came.send(said);
      auto framed = encode(said);
      auto const size = framed.size();
      framed.insert(framed.begin(),
                    {static_cast<std::byte>(size >> 8), static_cast<std::byte>(size)});
      framed.resize(keep);
      co_await came.stream().write_all(framed);
      if (reset)
        came.stream().reset();
      else
        came.stream().close();
    };
  };
  for (bool const reset : {false, true})
    for (std::size_t const keep : {0u, 1u, 2u, 30u}) {
      CAPTURE(keep);
      CAPTURE(reset);
      name_server bad(cutting(keep, reset));
      name_server good(say_address);
      CHECK(outcome<On>({&bad}) == errc::truncated);
      CHECK_FALSE(outcome<On>({&bad, &good}));
    }
}

TEST_CASE_ON_EVERY_BACKEND("the longest answer over TCP may come byte by byte") {
  constexpr std::size_t longest = 65'535;
  name_server server([&](request& came) -> weft::task<> {
    auto said = came.answer();
    said.tc = !came.over_tcp;
    if (!came.over_tcp) co_return co_await came.send(said);
    std::string const text(200, 't');
    auto const room = [&] { return longest - encode(said).size(); };
    auto const record_of = [&](std::size_t size) {
      return record::parse("www.example. 300 IN TXT \"" + text.substr(0, size) + '"');
    };
    said.answers.assign(room() / 213, record_of(200));  // 2 + 2 + 2 + 4 + 2 + 1 + 200 bytes each
    said.answers.push_back(record_of(room() - 13));
    auto framed = encode(said);
    framed.insert(framed.begin(), {std::byte{0xff}, std::byte{0xff}});
    REQUIRE(framed.size() == 2 + longest);
    came.stream().set_no_delay(true);
    for (auto const& one : framed) co_await came.stream().write_all(std::span(&one, 1));
  });
  run_on<On>(resolving({&server}, [](resolver& asked) -> weft::task<> {
    auto const got = co_await asked.query("www.example", type::txt);
    CHECK(got.over_tcp);
    CHECK(got.records.size() == got.message.answers.size());
    CHECK(got.records.size() > 300);
  }));
}

TEST_CASE_ON_EVERY_BACKEND("an answer over TCP that still says it is cut short is an error") {
  name_server server([](request& came) -> weft::task<> {
    auto said = came.answer();
    said.tc = true;
    co_await came.send(said);
  });
  CHECK(outcome<On>({&server}) == errc::truncated);
}

TEST_CASE_ON_EVERY_BACKEND("a connection on which nothing comes is given up in time") {
  name_server silent([](request& came) -> weft::task<> {
    auto said = came.answer();
    said.tc = true;
    if (!came.over_tcp) co_await came.send(said);
  });
  run_on<On>([&]() -> weft::task<> {
    auto options = asking({&silent});
    options.timeout = 20ms;
    options.attempts = 1;
    co_await resolving({&silent}, options, [](resolver& asked) -> weft::task<> {
      CHECK(co_await failure_of(asked, "www.example") == errc::timed_out);
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND(
    "a place where nobody listens is an error at once, and the next is asked") {
  weft::net::endpoint nobody;
  name_server good(say_address);
  run_on<On>([&]() -> weft::task<> {
    nobody = weft::net::udp_socket::bind("127.0.0.1:0").local();
    auto options = asking({&good});
    options.servers.insert(options.servers.begin(), nobody);
    co_await resolving({&good}, options, [&](resolver& asked) -> weft::task<> {
      auto const got = co_await asked.query("www.example", type::a);
      CHECK(got.server == good.at());
      CHECK(got.elapsed < 4s);  // before the timeout
    });
    options.servers = {nobody};
    for (bool const use_tcp : {false, true}) {
      options.use_tcp = use_tcp;
      co_await resolving({}, options, [&](resolver& asked) -> weft::task<> {
        CHECK(co_await failure_of(asked, "www.example") == errc::unreachable);
      });
    }
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a query without a free descriptor fails as what it is") {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  run_on<On>(resolving({}, [&](resolver& asked) -> weft::task<> {
    rlimit none = before;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_NOFILE, &none);
    auto const code = co_await failure_of(asked, "www.example");
    ::setrlimit(RLIMIT_NOFILE, &before);
    CHECK(code == std::errc::too_many_files_open);
  }));
}

TEST_CASE_ON_EVERY_BACKEND("what is no answer to the question is ignored while waiting goes on") {
  name_server server([](request& came) -> weft::task<> {
    auto const honest = came.answer({"www.example. 300 IN A 192.0.2.1"});
    auto spoof = came.answer({"www.example. 300 IN A 192.0.2.66"});
    auto const say = [&](auto change) -> weft::task<> {
      auto changed = spoof;
      change(changed);
      co_await came.send(changed);
    };
    co_await say([](message& said) { said.id ^= 1; });
    co_await say([](message& said) { said.qr = false; });
    co_await say([](message& said) { said.opcode = opcode::status; });
    co_await say([](message& said) { said.questions[0].name = "www.exampl."; });
    co_await say([](message& said) { said.questions[0].type = type::aaaa; });
    co_await say([](message& said) { said.questions[0].record_class = record_class::ch; });
    co_await say([](message& said) { said.questions.push_back(said.questions[0]); });
    co_await say([](message& said) { said.questions.clear(); });
    auto const bytes = encode(spoof);
    for (std::size_t size : {0u, 1u, 2u, 11u, 12u, 20u})
      co_await came.send(std::span(bytes).first(size));
    if (!came.over_tcp) {  // a stranger who has guessed the id and the port
      auto stranger = weft::net::udp_socket::bind("127.0.0.1:0");
      co_await stranger.send_to(bytes, came.from);
    }
    co_await came.send(honest);
  });
  run_on<On>([&]() -> weft::task<> {
    auto options = asking({&server});
    for (bool const use_tcp : {false, true}) {
      options.use_tcp = use_tcp;
      co_await resolving({&server}, options, [](resolver& asked) -> weft::task<> {
        CHECK(co_await answers_of(asked, "www.example") == texts{"192.0.2.1"});
      });
    }
  }());
  CHECK(server.asked.size() == 2);
}

TEST_CASE_ON_EVERY_BACKEND("of ten thousand forged answers none is taken") {
  constexpr int forged = 10'000;
  constexpr int before_a_pause = 100;  // as many as the asking socket has room for
  name_server server([&](request& came) -> weft::task<> {
    auto const honest = came.answer({"www.example. 300 IN A 192.0.2.1"});
    auto forgery = came.answer({"www.example. 300 IN A 192.0.2.66"});
    auto stranger = weft::net::udp_socket::bind("127.0.0.1:0");
    std::minstd_rand random(1);
    for (int i = 0; i < forged; ++i) {
      forgery.id = static_cast<std::uint16_t>(random());
      forgery.questions = honest.questions;
      if (i % 3 == 0)  // from elsewhere, with the right id
        forgery.id = honest.id;
      else if (i % 3 == 1 || forgery.id == honest.id)  // another name, whatever the id
        forgery.questions[0].name = "www" + std::to_string(i) + ".example.";
      auto const bytes = encode(forgery);
      if (i % 3 == 0)
        co_await stranger.send_to(bytes, came.from);
      else
        co_await came.send(bytes);
      if (i % before_a_pause == 0) co_await weft::yield();
    }
    co_await came.send(honest);
  });
  run_on<On>(resolving({&server}, [](resolver& asked) -> weft::task<> {
    for (int i = 0; i < 3; ++i)
      CHECK(co_await answers_of(asked, "www.example") == texts{"192.0.2.1"});
  }));
  CHECK(server.asked.size() == 1);  // what was asked again came from the cache
}

TEST_CASE_ON_EVERY_BACKEND("a refusal with EDNS and without says nothing about EDNS") {
  int odd = 2;
  name_server server([&](request& came) -> weft::task<> {
    auto said =
        odd-- > 0 ? came.failure(rcode::notimp) : came.answer({"b.example. 0 IN A 192.0.2.1"});
    if (said.rcode == rcode::notimp) said.edns.reset();
    co_await came.send(said);
  });
  auto options = asking({&server});
  options.attempts = 1;
  run_on<On>(resolving({&server}, options, [](resolver& asked) -> weft::task<> {
    CHECK(co_await failure_of(asked, "a.example."));
    CHECK(co_await answers_of(asked, "b.example.") == texts{"192.0.2.1"});
  }));
  REQUIRE(server.asked.size() == 3);
  CHECK(server.asked[2].edns);
}

TEST_CASE_ON_EVERY_BACKEND("a failure that may pass tells more than a lasting one") {
  name_server server([](request& came) -> weft::task<> {
    bool const is_v4 = came.query.questions[0].type == type::a;
    co_await came.send(is_v4 ? came.failure(rcode::servfail) : came.answer());
  });
  auto options = asking({&server});
  options.attempts = 1;
  run_on<On>(resolving({&server}, options, [](resolver& asked) -> weft::task<> {
    auto const got = co_await weft::as_result(asked.addresses("www.example."));
    CHECK(got.error() == errc::servfail);
  }));
}

TEST_CASE_ON_REAL_BACKENDS("a server that dies while it is asked leaves nothing that waits") {
  run_on<On>([]() -> weft::task<> {
    auto server = weft::net::udp_socket::bind("127.0.0.1:0");
    weft::net::dns::resolver_options options;
    options.servers = {server.local()};
    options.attempts = 1;
    co_await support::with_resolver(
        options, [&](resolver& asked, weft::task_scope& tasks) -> weft::task<> {
          auto const first = tasks.spawn(
              [&]() -> weft::task<> { CHECK(co_await failure_of(asked, "x.example.")); });
          std::array<std::byte, 600> room{};
          co_await server.receive_from(room);
          server.close();
          // Of two that are sent in one tick the second learns what became of the first.
          CHECK_FALSE(co_await weft::as_result(asked.addresses("y.example.")));
          co_await first;
        });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("an answer that comes too late is none for the next attempt") {
  name_server server([first = std::vector<std::byte>()](request& came) mutable -> weft::task<> {
    if (first.empty()) {
      first = encode(came.answer({"www.example. 300 IN A 192.0.2.66"}));
      co_return;
    }
    co_await came.send(first);
    co_await say_address(came);
  });
  run_on<On>([&]() -> weft::task<> {
    auto options = asking({&server});
    options.timeout = 20ms;
    co_await resolving({&server}, options, [](resolver& asked) -> weft::task<> {
      CHECK(co_await answers_of(asked, "www.example") == texts{"192.0.2.1"});
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND(
    "an answer that is malformed is an error, and the next server is asked") {
  auto const set = [](std::vector<std::byte>& bytes, std::size_t at, unsigned value) {
    bytes[at] = static_cast<std::byte>(value >> 8);
    bytes[at + 1] = static_cast<std::byte>(value);
  };
  // The answer's record begins at 29, with the name as a pointer.
  std::vector<std::function<void(std::vector<std::byte>&)>> const faults{
      [&](auto& bytes) { set(bytes, 6, 0); },  // counts that lie
      [&](auto& bytes) { set(bytes, 6, 2); },
      [&](auto& bytes) { set(bytes, 6, 65'535); },
      [&](auto& bytes) { set(bytes, 10, 2); },
      [&](auto& bytes) { set(bytes, 29, 0xc000 | 29); },  // names that lead in circles
      [&](auto& bytes) { set(bytes, 29, 0xc000 | 31); },
      [&](auto& bytes) { set(bytes, 29, 0xffff); },
      [&](auto& bytes) { set(bytes, 39, 5); },  // data of a wrong size
      [&](auto& bytes) { set(bytes, 39, 65'535); },
      [&](auto& bytes) { bytes.pop_back(); },
      [&](auto& bytes) { bytes.push_back(std::byte{0}); },
  };
  for (std::size_t i = 0; i < faults.size(); ++i) {
    CAPTURE(i);
    name_server bad(spoiled(faults[i]));
    name_server good(say_address);
    CHECK(outcome<On>({&bad}) == errc::malformed);
    CHECK_FALSE(outcome<On>({&bad, &good}));
  }
}
