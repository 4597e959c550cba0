// dns_server: what it answers over UDP and TCP, and to what is no question.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <deque>
#include <set>
#include <string_view>

#include <weft/net/dns/message.hpp>

#include "examples/dns_programs.hpp"
#include "examples/plain_datagrams.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
namespace dns = weft::net::dns;

namespace {

template <class Body>
void on_every_backend(words const& further, Body body) {
  for (auto const& backend : real_backends) {
    CAPTURE(backend);
    auto server = dns_server(backend, further);
    body(server);
    server.signal(SIGTERM);
    auto const ended = server.wait();
    CHECK(ended.code == 0);
    CHECK(ended.err.empty());
  }
}

dns::message query(std::string_view name, dns::type type) {
  auto made = dns::make_query(name, type);
  made.edns.reset();
  made.id = 4711;
  return made;
}

dns::message ask(served const& server, dns::message const& question) {
  plain_datagrams const socket(server.port());
  socket.send(dns::encode(question));
  auto answer = dns::decode(socket.receive());
  CHECK(answer.id == question.id);
  CHECK(answer.qr);
  return answer;
}

dns::message ask(served const& server, std::string_view name, dns::type type = dns::type::a) {
  return ask(server, query(name, type));
}

std::string framed(dns::message const& message) {
  auto const bytes = dns::encode(message);
  std::string text{static_cast<char>(bytes.size() >> 8), static_cast<char>(bytes.size() & 0xff)};
  text.append(reinterpret_cast<char const*>(bytes.data()), bytes.size());
  return text;
}

// The messages in what a TCP connection brought.
std::vector<dns::message> unframed(std::string_view text) {
  std::vector<dns::message> messages;
  while (text.size() >= 2) {
    std::size_t const size = static_cast<std::size_t>(static_cast<unsigned char>(text[0])) << 8 |
                             static_cast<unsigned char>(text[1]);
    REQUIRE(text.size() >= size + 2);
    messages.push_back(dns::decode(std::as_bytes(std::span(text.substr(2, size)))));
    text.remove_prefix(size + 2);
  }
  CHECK(text.empty());
  return messages;
}

std::vector<std::string> lines(std::vector<dns::record> const& records) {
  std::vector<std::string> texts;
  for (auto const& each : records) texts.push_back(each.to_string());
  return texts;
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("what is in a zone is answered with authority, and with the addresses of hosts in it") {
  on_every_backend({}, [](served const& server) {
    auto const answer = ask(server, "python.org", dns::type::mx);
    CHECK(answer.aa);
    CHECK(answer.rd);
    CHECK_FALSE(answer.ra);
    CHECK_FALSE(answer.edns);
    CHECK(answer.rcode == dns::rcode::noerror);
    REQUIRE(answer.answers.size() == 1);
    CHECK(answer.answers[0].data == "50 mail.python.org.");
    REQUIRE(answer.additionals.size() == 2);
    CHECK(answer.additionals[0].data == "188.166.95.178");
    CHECK(answer.additionals[1].data == "2a03:b0c0:2:d0::71:1");
  });
}

TEST_CASE("a missing name and a missing type differ, and both come with the SOA record") {
  on_every_backend({}, [](served const& server) {
    for (std::string const name : {"nothere.python.org", "v6only.python.org", "deep.python.org"}) {
      CAPTURE(name);
      auto const answer = ask(server, name);
      bool const is_missing = name == "nothere.python.org";
      CHECK(answer.rcode == (is_missing ? dns::rcode::nxdomain : dns::rcode::noerror));
      CHECK(answer.answers.empty());
      REQUIRE(answer.authorities.size() == 1);
      CHECK(answer.authorities[0].type == dns::type::soa);
      CHECK(answer.authorities[0].ttl == 300s);  // the lesser of its own and its minimum
    }
  });
}

TEST_CASE("aliases are followed, also to another zone, and as far as they lead") {
  on_every_backend({}, [](served const& server) {
    CHECK(lines(ask(server, "docs.python.org").answers).size() == 3);
    CHECK(ask(server, "gone.python.org").rcode == dns::rcode::nxdomain);
    CHECK(ask(server, "gone.python.org").answers.size() == 1);
    CHECK(ask(server, "pypi.python.org").rcode == dns::rcode::noerror);
    CHECK(ask(server, "pypi.python.org").answers.size() == 1);
    CHECK(ask(server, "loop.python.org").answers.size() == 2);  // each alias once
    CHECK(ask(server, "docs.python.org", dns::type::cname).answers.size() == 1);
    auto const through = ask(server, "x.y.old.python.org").answers;
    REQUIRE(through.size() == 3);
    CHECK(through[0].type == dns::type::dname);
    CHECK(through[1].data == "x.y.wild.python.org.");
    CHECK(through[2].data == "192.0.2.99");
    std::string const longest(60, 'x');
    auto const beyond = longest + '.' + longest + '.' + longest + '.' + longest.substr(0, 55);
    CHECK(ask(server, beyond + ".old.python.org").rcode == dns::rcode::yxdomain);
  });
}

TEST_CASE("a wildcard answers for the name that was asked, where no other name is closer") {
  on_every_backend({}, [](served const& server) {
    auto const answer = ask(server, "A.b.Wild.python.org");
    REQUIRE(answer.answers.size() == 1);
    CHECK(answer.answers[0].name == "A.b.Wild.python.org.");
    CHECK(ask(server, "a.wild.python.org", dns::type::mx).rcode == dns::rcode::noerror);
    CHECK(ask(server, "wild.python.org").rcode == dns::rcode::noerror);
    CHECK(ask(server, "wild.python.org").answers.empty());
  });
}

TEST_CASE("what is delegated is referred, with the addresses of the servers there") {
  on_every_backend({}, [](served const& server) {
    for (std::string const name : {"sub.python.org", "x.sub.python.org", "ns1.sub.python.org"}) {
      CAPTURE(name);
      auto const answer = ask(server, name);
      CHECK_FALSE(answer.aa);
      CHECK(answer.answers.empty());
      CHECK(answer.authorities.size() == 2);
      CHECK(answer.additionals.size() == 2);
    }
    CHECK(ask(server, "sub.python.org", dns::type::ds).aa);
  });
}

TEST_CASE("what it does not know, or does not do, is refused") {
  on_every_backend({}, [](served const& server) {
    CHECK(ask(server, "example.com").rcode == dns::rcode::refused);
    CHECK(ask(server, ".").rcode == dns::rcode::refused);
    CHECK(ask(server, "python.org", dns::type::axfr).rcode == dns::rcode::refused);
    auto chaos = query("python.org", dns::type::a);
    chaos.questions[0].record_class = dns::record_class::ch;
    CHECK(ask(server, chaos).rcode == dns::rcode::refused);
    auto update = query("python.org", dns::type::soa);
    update.opcode = dns::opcode::update;
    CHECK(ask(server, update).rcode == dns::rcode::notimp);
    CHECK(ask(server, update).opcode == dns::opcode::update);
    auto twofold = query("python.org", dns::type::a);
    twofold.questions.push_back(twofold.questions[0]);
    CHECK(ask(server, twofold).rcode == dns::rcode::formerr);
    auto modern = query("python.org", dns::type::a);
    modern.edns.emplace().version = 1;
    auto const answer = ask(server, modern);
    CHECK(answer.rcode == dns::rcode::badvers);
    CHECK(answer.edns->version == 0);
  });
}

TEST_CASE("a datagram that is no message gets a complaint, if it has an id, and no answer else") {
  on_every_backend({}, [](served const& server) {
    plain_datagrams const socket(server.port());
    auto garbage = std::vector<std::byte>(20, std::byte{0x11});
    socket.send(garbage);
    auto const answer = dns::decode(socket.receive());
    CHECK(answer.rcode == dns::rcode::formerr);
    CHECK(answer.id == 0x1111);
    socket.send({});
    socket.send(std::vector<std::byte>(11));
    garbage[2] = std::byte{0x91};  // it says it is a response
    socket.send(garbage);
    auto response = query("python.org", dns::type::a);
    response.qr = true;
    socket.send(dns::encode(response));
    socket.send(dns::encode(query("wiki.python.org", dns::type::a)));
    CHECK(dns::decode(socket.receive()).answers.size() == 1);  // that of the last one
  });
}

TEST_CASE("what does not fit into the client's datagram is cut short, and whole over TCP") {
  on_every_backend({}, [](served const& server) {
    auto question = query("large.python.org", dns::type::txt);
    auto const cut = ask(server, question);
    CHECK(cut.tc);
    CHECK(cut.answers.size() < 12);
    CHECK(dns::encode(cut).size() <= 512);
    question.edns.emplace().udp_size = 1232;
    auto const whole = ask(server, question);
    CHECK_FALSE(whole.tc);
    CHECK(whole.answers.size() == 12);
    REQUIRE(whole.edns);
    CHECK(whole.edns->udp_size == 1232);
    question.edns->udp_size = 100;  // which counts as 512 (RFC 6891, section 6.2.3)
    CHECK(ask(server, question).answers.size() == cut.answers.size());
    auto client = server.connect();
    client.send(framed(query("large.python.org", dns::type::txt)));
    client.send_end();
    auto const answers = unframed(client.rest());
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].answers.size() == 12);
  });
}

TEST_CASE("the names with faults have them") {
  on_every_backend({}, [](served const& server) {
    CHECK(ask(server, "BROKEN.python.org").rcode == dns::rcode::servfail);
    auto const cut = ask(server, "cut.python.org");
    CHECK(cut.tc);
    CHECK(cut.answers.empty());
    plain_datagrams const socket(server.port());
    socket.send(dns::encode(query("silent.python.org", dns::type::a)));
    socket.send(dns::encode(query("wiki.python.org", dns::type::a)));
    CHECK(dns::decode(socket.receive()).questions[0].name == "wiki.python.org.");
  });
}

TEST_CASE("queries on one connection are answered while others wait, whatever comes first") {
  on_every_backend({"--latency", "100"}, [](served const& server) {
    auto const begin = std::chrono::steady_clock::now();
    auto client = server.connect();
    std::string all;
    for (std::uint16_t id = 0; id < 100; ++id) {
      auto each = query("wiki.python.org", dns::type::a);
      each.id = id;
      all += framed(each);
    }
    client.send(all);
    client.send_end();
    std::set<std::uint16_t> ids;
    for (auto const& each : unframed(client.rest())) ids.insert(each.id);
    CHECK(ids.size() == 100);
    CHECK(std::chrono::steady_clock::now() - begin < 5s);  // and not a hundred times 100 ms
  });
}

TEST_CASE("thousands of queries wait at a time") {
  on_every_backend({"--latency", "2000"}, [](served const& server) {
    auto const begin = std::chrono::steady_clock::now();
    // A hundred for each socket, whose buffer in the kernel does not hold many more. What the
    // server's does not hold is asked again.
    std::deque<plain_datagrams> sockets;
    std::vector<std::set<std::uint16_t>> missing(30);
    for (auto& ids : missing) {
      sockets.emplace_back(server.port());
      for (std::uint16_t id = 0; id < 100; ++id) ids.insert(id);
    }
    while (std::ranges::any_of(missing, [](auto const& ids) { return !ids.empty(); })) {
      for (std::size_t i = 0; i < sockets.size(); ++i) {
        auto each = query("wiki.python.org", dns::type::a);
        for (auto const id : missing[i]) {
          each.id = id;
          sockets[i].send(dns::encode(each));
        }
      }
      for (std::size_t i = 0; i < sockets.size(); ++i)
        while (!missing[i].empty() && sockets[i].readable_within(3'000))
          missing[i].erase(dns::decode(sockets[i].receive()).id);
      REQUIRE(std::chrono::steady_clock::now() - begin < 60s);  // and not 3,000 times 2 s
    }
    CHECK(std::chrono::steady_clock::now() - begin >= 2s);
  });
}

TEST_CASE("a zone that cannot be read is told in one line, with exit code 1") {
  auto const complaint = [](std::string const& path) {
    auto const ended =
        support::program(support::example("dns_server"), {"--zone", path, "--port", "0"}).wait();
    CHECK(ended.code == 1);
    CHECK(ended.out.empty());
    CHECK(std::ranges::count(ended.err, '\n') == 1);
    return ended.err;
  };
  CHECK(complaint("/nonexistent/zone") == "/nonexistent/zone: No such file or directory\n");
  CHECK(complaint(__FILE__).starts_with(__FILE__ ":"));
  CHECK(complaint("/dev/null") == "/dev/null: no SOA record\n");
  CHECK(complaint("/") == "/: not a file\n");
}
