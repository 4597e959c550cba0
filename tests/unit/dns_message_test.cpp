// DNS messages: values to bytes and back, and bytes that lie.
#include "weft/net/dns/message.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "support/bytes.hpp"
#include "support/mutations.hpp"
#include "weft/net/dns/name.hpp"

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace weft::net::dns;
using support::bytes_of;

namespace {

std::string u16(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string header(unsigned questions, unsigned answers, unsigned authorities = 0,
                   unsigned additionals = 0) {
  return u16(0x1234) + u16(0x8180) + u16(questions) + u16(answers) + u16(authorities) +
         u16(additionals);
}

// Of the root, if no other name is given.
std::string wire_record(type of, std::string const& data, std::string const& name = "\0"s) {
  return name + u16(static_cast<unsigned>(of)) + u16(1) + u16(0) + u16(300) +
         u16(static_cast<unsigned>(data.size())) + data;
}

std::string pointer(std::size_t at) { return u16(0xc000 | static_cast<unsigned>(at)); }

std::string text_of(std::vector<std::byte> const& bytes) { return support::text_of(bytes); }

std::string refusal(std::string_view bytes) {
  try {
    decode(bytes_of(bytes));
    return "it is a message";
  } catch (malformed const& error) {
    return error.what();
  }
}

message answered(std::vector<record> answers) {
  message made = make_query("www.Example", type::any);
  made.id = 0xabcd;
  made.qr = true;
  made.ra = true;
  made.answers = std::move(answers);
  return made;
}

// A line of each kind of type, as ldns prints it again.
std::vector<std::string> const lines{
    "www.Example. 300 IN A 192.0.2.1",
    "example. 300 IN NS Ns1.example.",
    "a.example. 0 IN CNAME b.example.",
    "example. 3600 IN SOA ns.example. host\\.master.example. 2024010101 7200 3600 1209600 300",
    "1.2.0.192.in-addr.arpa. 5 IN PTR www.example.",
    "example. 5 IN HINFO \"PC\" \"Linux\"",
    "example. 2147483647 IN MX 10 mail.example.",
    "example. 5 IN TXT \"a b\" \"\" \"c\\\"d\"",
    "example. 5 IN RP host.example. text.example.",
    "example. 5 IN AFSDB 1 afs.example.",
    "www.example. 5 IN AAAA 2001:db8::1",
    "example. 5 IN LOC 42 21 54.000 N 71 06 18.000 W -24m 30m 10000m 10m",
    "_sip._udp.example. 5 IN SRV 1 2 5060 sip.example.",
    "example. 5 IN NAPTR 100 50 \"s\" \"z3950+I2L\" \"\" _z3950._tcp.example.",
    "example. 5 IN DNAME example.org.",
    "example. 5 IN DS 60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118",
    "example. 5 IN SSHFP 4 2 123456789abcdef67890123456789abcdef67890",
    "example. 5 IN RRSIG MX 8 2 300 20300101000000 20200101000000 1 example. AAECAw==",
    "example. 5 IN NSEC f.example. A MX TYPE1234",
    "example. 5 IN DNSKEY 257 3 8 AwEAAQ==",
    "example. 5 IN NSEC3PARAM 1 0 12 aabbccdd",
    "_443._tcp.example. 5 IN TLSA 3 1 1 aabb",
    "example. 5 IN HIP 2 200100107b1a74df365639cc39f1d578 AwEAAQ== rvs.example. rvs2.example.",
    "example. 5 IN HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1",
    "example. 5 IN EUI48 00-00-5e-00-53-2a",
    "example. 5 IN URI 10 1 \"https://example/\"",
    "example. 5 IN CAA 0 issue \"ca.example\"",
    "example. 5 IN TYPE65280 \\# 3 abcdef",
    "example. 5 IN NULL \\# 0",
    "example. 5 IN NXT \\# 7 01610040010002",  // of which ldns writes, but does not read, more
    "example. 5 IN LOC \\# 2 0100",
    "example. 5 IN CERT \\# 6 000000020501",
    "example. 5 IN NS \\# 3 014000",
    "version.bind. 0 CH TXT \"9.18\"",
};

std::vector<record> all_kinds() {
  std::vector<record> records;
  for (auto const& line : lines) records.push_back(record::parse(line));
  return records;
}

}  // namespace

TEST_CASE("a record of each kind goes from a line to the wire and back") {
  for (auto const& line : lines) {
    CAPTURE(line);
    auto const parsed = record::parse(line);
    CHECK(parsed.to_string() == line);
    auto const made = answered({parsed});
    auto const read = decode(encode(made));
    CHECK(read == made);
  }
}

TEST_CASE("the name of a record may be as long as a name, and any") {
  std::string escaped;
  for (int label = 0; label < 3; ++label) {
    for (int i = 0; i < 63; ++i) escaped += "\\255";
    escaped += '.';
  }
  for (auto const& name : {escaped, std::string("@."), std::string("a\\032b.")}) {
    CAPTURE(name);
    auto const parsed = record::parse(name + " 5 IN A 192.0.2.1");
    CHECK(parsed.name == name);
    CHECK(record::parse(parsed.to_string()) == parsed);
  }
  CHECK(record::parse("\\@ 5 IN A 192.0.2.1").name == "@.");
  CHECK(record::parse("@ 5 IN A 192.0.2.1").name == ".");
}

TEST_CASE("a line that is no record is refused") {
  for (auto const* line :
       {"", "example.", "example. 5 IN", "example. 5 IN A", "example. 5 IN FOO x",
        "example. 5 IN A 1.2.3", "example. 5 IN A 1.2.3.4 5", "example. 5 IN MX 10",
        "e..e. 5 IN A 1.2.3.4", "a. 5 IN A 1.2.3.4\nb. 5 IN A 1.2.3.4", "a. 5 IN A \\# 3 010203",
        "a. 5 CLASS65537 A 1.2.3.4", "a. 5 IN TYPE65537 \\# 4 01020304"}) {
    CAPTURE(std::string(line));
    CHECK_THROWS_AS(record::parse(line), std::invalid_argument);
  }
}

TEST_CASE("everything in a message is there again after its way over the wire") {
  message made;
  made.id = 65'535;
  made.opcode = opcode::notify;
  made.rcode = rcode{0xabc};
  made.qr = made.aa = made.tc = made.ra = made.ad = made.cd = true;
  made.rd = false;
  made.edns = edns{.udp_size = 4096,
                   .version = 3,
                   .dnssec_ok = true,
                   .options = {std::byte{0}, std::byte{3}, std::byte{0}, std::byte{0}}};
  made.questions = {{"Www.Example.", type::any, record_class::any}, {".", type::ns}};
  made.answers = all_kinds();
  made.authorities = {made.answers[3], made.answers[1]};
  made.additionals = {made.answers[0]};
  CHECK(decode(encode(made)) == made);
  CHECK(decode(encode(message())) == message());
}

TEST_CASE("a query asks one question, with recursion and EDNS, in as few bytes as there can be") {
  auto const asked = make_query("www.example", type::mx);
  CHECK(text_of(encode(asked)) == u16(0) + u16(0x0100) + u16(1) + u16(0) + u16(0) + u16(1) +
                                      "\3www\7example\0"s + u16(15) + u16(1) + "\0"s + u16(41) +
                                      u16(1232) + u16(0) + u16(0) + u16(0));
  CHECK_THROWS_AS(make_query("a..b", type::mx), std::invalid_argument);
}

TEST_CASE("names are compressed, and only where their case is the same") {
  auto made = answered({});
  made.edns.reset();
  auto const bare = encode(made).size();
  made.answers = {record{.name = "www.Example."}};
  CHECK(encode(made).size() == bare + 12);
  made.answers = {record{.name = "mail.Example."}};
  CHECK(encode(made).size() == bare + 12 + 5);
  made.answers = {record{.name = "www.example."}};
  auto const bytes = encode(made);
  CHECK(bytes.size() == bare + 10 + 13);
  CHECK(text_of(bytes).find("\3www\7example") != std::string::npos);
}

TEST_CASE("a message too large for its transport is cut short and says so") {
  auto made = answered(std::vector(100, record::parse("www.example. 5 IN A 192.0.2.1")));
  made.additionals = {record::parse("ns.example. 5 IN A 192.0.2.1")};
  auto const whole = encode(made);
  CHECK_FALSE(decode(whole).tc);
  for (std::size_t size : {512u, 513u, 527u, 528u}) {
    CAPTURE(size);
    auto const cut = encode(made, size);
    CHECK(cut.size() <= size);
    CHECK(cut.size() > size - 16);
    auto const read = decode(cut);
    CHECK(read.tc);
    CHECK(read.edns == made.edns);
    CHECK(read.additionals.empty());
  }
  // Without some of the additional records it is complete all the same.
  auto const without = decode(encode(made, whole.size() - 1));
  CHECK_FALSE(without.tc);
  CHECK(without.answers == made.answers);
  CHECK(without.additionals.empty());
  CHECK_THROWS_AS(encode(made, 20), std::invalid_argument);
}

TEST_CASE("what no message can hold is refused") {
  auto const encoded = [](record const& refused) { return encode(answered({refused})); };
  CHECK_THROWS_AS(encoded({.name = "a..b."}), std::invalid_argument);
  CHECK_THROWS_AS(encoded({.rdata = std::vector<std::byte>(65'536)}), std::invalid_argument);
  CHECK_THROWS_AS(encode(answered(std::vector<record>(65'535))), std::invalid_argument);
  message asked;
  asked.questions.resize(70'000);
  CHECK_THROWS_AS(encode(asked), std::invalid_argument);
}

TEST_CASE("a negative time to live is zero") {
  auto const read = decode(
      bytes_of(header(0, 1) + "\0"s + u16(1) + u16(1) + u16(0x8000) + u16(1) + u16(4) + "abcd"));
  CHECK(read.answers.at(0).ttl == 0s);
}

TEST_CASE("names inside of data are read in full, from where they stand") {
  // The question's name is at 12.
  auto const read =
      decode(bytes_of(header(1, 1) + "\7Example\0"s + u16(15) + u16(1) +
                      wire_record(type::mx, u16(10) + "\4mail"s + pointer(12), pointer(12))));
  REQUIRE(read.answers.size() == 1);
  CHECK(read.answers[0].name == "Example.");
  CHECK(read.answers[0].data == "10 mail.Example.");
  CHECK(support::text_of(read.answers[0].rdata) == u16(10) + "\4mail\7Example\0"s);
}

TEST_CASE("data whose text ldns does not find is shown in hexadecimal") {
  auto const read = decode(bytes_of(header(0, 1) + wire_record(type::loc, "\0abc"s)));
  CHECK(read.answers.at(0).data == "\\# 4 00616263");
}

TEST_CASE("counts that lie are found out") {
  auto const a = wire_record(type::a, "abcd");
  CHECK(refusal("") == "no DNS message: the header at byte 0: the message ends before it does");
  CHECK(refusal(header(1, 0)) ==
        "no DNS message: the name of a question at byte 12: the message ends before it does");
  CHECK(refusal(header(0, 2) + a) ==
        "no DNS message: the name of a record at byte 27: the message ends before it does");
  CHECK(refusal(header(65'535, 65'535, 65'535, 65'535) + a) ==
        "no DNS message: the name of a question at byte 27: the message ends before it does");
  CHECK(refusal(header(0, 1) + a + a) == "no DNS message: the end at byte 27: more bytes follow");
  CHECK(refusal(header(0, 1) + "\0"s + u16(1) + u16(1) + u16(0) + u16(0) + u16(5) + "abcd") ==
        "no DNS message: the data of a record at byte 23: the message ends before it does");
}

TEST_CASE("data that has not the form of its type is refused") {
  for (auto const& [of, data] : std::vector<std::pair<type, std::string>>{
           {type::a, "abc"},
           {type::a, "abcde"},
           {type::aaaa, "abcd"},
           {type::mx, "a"},
           {type::mx, u16(10)},
           {type::mx, u16(10) + "\0x"s},
           {type::txt, "\5abcd"},
           {type::txt, "\4abcd\1"},
           {type::soa, "\0\0abcd"s},
           {type::cname, "\4mail"},  // goes on into the next record
           {type::cname, "\300"},    // half a pointer
           {type::srv, "abcdefg"},
       }) {
    CAPTURE(to_string(of));
    CAPTURE(data);
    CHECK_THROWS_AS(decode(bytes_of(header(0, 1) + wire_record(of, data))), malformed);
    CHECK_THROWS_AS(
        decode(bytes_of(header(0, 2) + wire_record(of, data) + wire_record(type::a, "abcd"))),
        malformed);
  }
}

TEST_CASE("names that lead in circles or are too long are refused") {
  auto const asked = [](std::string const& name) {
    return refusal(header(1, 0) + name + u16(1) + u16(1));
  };
  auto const circle = "no DNS message: the name of a question at byte "s;
  CHECK(asked(pointer(12)) == circle + "14: it leads in circles, or forwards");
  CHECK(asked("\1a" + pointer(12)) == circle + "16: it leads in circles, or forwards");
  CHECK(asked(pointer(14) + pointer(12)) == circle + "14: it leads in circles, or forwards");
  CHECK(asked(pointer(5000)) == circle + "14: it leads in circles, or forwards");
  CHECK(asked("\100" + std::string(64, 'x') + "\0"s) ==
        circle + "13: it has a label of an unknown kind");
  std::string const label = "\77" + std::string(63, 'x');
  CHECK(asked(label + label + label + label + "\0"s) ==
        circle + "268: it is longer than 255 bytes");
  CHECK(decode(bytes_of(header(1, 0) + label + label + label + label.substr(0, 0) + "\75" +
                        std::string(61, 'x') + "\0"s + u16(1) + u16(1)))
            .questions.at(0)
            .name.size() == 254);
}

TEST_CASE("a name is followed through as many places as it can have labels, and no more") {
  // A record whose data is a chain of pointers, each to the one before; the first is to the root.
  auto const chained = [](std::size_t pointers) {
    std::size_t const data_at = 12 + 11;
    std::string data = "\0"s + pointer(data_at);
    while (data.size() < 1 + 2 * pointers) data += pointer(data_at + data.size() - 2);
    std::size_t const last = data_at + data.size() - 2;
    return header(0, 2) + wire_record(type::null, data) +
           wire_record(type::a, "abcd", pointer(last));
  };
  CHECK(decode(bytes_of(chained(126))).answers.at(1).name == ".");
  CHECK(refusal(chained(127)).ends_with("it leads through too many places"));
  CHECK(refusal(chained(5000)).ends_with("it leads through too many places"));
}

TEST_CASE("there is one OPT record, of the root, among the additional ones") {
  auto const opt = "\0"s + u16(41) + u16(1232) + u16(0) + u16(0) + u16(0);
  CHECK(decode(bytes_of(header(0, 0, 0, 1) + opt)).edns == edns{});
  CHECK(refusal(header(0, 0, 0, 2) + opt + opt).ends_with("there is one already"));
  CHECK(refusal(header(0, 1) + opt).ends_with("among the additional ones"));
  CHECK(refusal(header(0, 0, 0, 1) + "\1a" + opt).ends_with("among the additional ones"));
}

TEST_CASE("whatever the bytes are, they are a message or malformed") {
  std::vector<std::string> valid{text_of(encode(make_query("www.example", type::mx)))};
  for (auto const& one : all_kinds()) valid.push_back(text_of(encode(answered({one}))));
  valid.push_back(text_of(encode(answered(all_kinds()))));
  int read = 0;
  support::for_each_mutation(valid, [&read](std::string const& bytes) {
    try {
      auto const once = decode(bytes_of(bytes));
      ++read;
      CHECK(decode(encode(once)) == once);
    } catch (malformed const&) {}
  });
  CHECK(read > 1'000);
}

TEST_CASE("of a message that ends anywhere, nothing is read") {
  auto const whole = text_of(encode(answered(all_kinds())));
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK_THROWS_AS(decode(bytes_of(whole).first(size)), malformed);
}

namespace {

// The processor time in seconds that it takes at best.
double cost_of(std::string const& bytes) {
  auto const used = [] {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  };
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    double const before = used();
    try {
      decode(bytes_of(bytes));
    } catch (malformed const&) {}
    best = std::min(best, used() - before);
  }
  return best;
}

std::string padded(std::size_t size, std::function<std::string(std::size_t)> const& record_at) {
  std::string bytes = header(0, 0);
  unsigned count = 0;
  for (;; ++count) {
    auto const next = record_at(bytes.size());
    if (bytes.size() + next.size() > size) break;
    bytes += next;
  }
  return bytes.replace(6, 2, u16(count));
}

}  // namespace

// Four times the bytes take about four times as long; were it the square, sixteen.
TEST_CASE("the time to read grows as the bytes do, whatever is in them") {
  std::string const chain = [] {
    std::string data = "\0"s + pointer(23);
    while (data.size() < 251) data += pointer(23 + data.size() - 2);
    return wire_record(type::null, data);
  }();
  auto const one_record = [](type of, std::string const& unit, std::string const& before = {}) {
    return [=](std::size_t size) {
      std::string data = before;
      while (data.size() + unit.size() + 23 <= size) data += unit;
      return header(0, 1) + wire_record(of, data);
    };
  };
  std::vector<std::function<std::string(std::size_t)>> const kinds{
      [&](std::size_t size) {  // names that lead through as many places as they may
        return padded(size, [&](std::size_t at) {
          return at == 12 ? chain : wire_record(type::ns, pointer(12 + 259), pointer(12 + 259));
        });
      },
      one_record(type::txt, "\0"s),
      one_record(type::txt, "\1\377"s),
      one_record(type{55}, pointer(12), "\0\2\0\0"s),
      [](std::size_t size) {
        return padded(size, [](std::size_t) { return wire_record(type::a, "abcd"); });
      },
  };
  for (auto const& made : kinds) {
    auto const small = cost_of(made(15'000));
    auto const large = cost_of(made(60'000));
    CAPTURE(small);
    CAPTURE(large);
    CHECK(large < 8 * small);
  }
}
