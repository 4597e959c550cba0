// Domain names: from text, to people, backwards, and as the same.
#include "weft/net/dns/name.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <string_view>

#include "dns/name.hpp"

using namespace std::string_literals;
using weft::net::address;
using weft::net::dns::is_same_name;
using weft::net::dns::parse_name;
using weft::net::dns::reverse_name;
using weft::net::dns::to_unicode;

namespace {

std::string refusal(std::string_view text) {
  try {
    return "it is " + parse_name(text);
  } catch (std::invalid_argument const& error) {
    return error.what();
  }
}

std::string repeated(std::string_view part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

}  // namespace

TEST_CASE("a name gets its dot at the end and keeps its case and its escapes") {
  struct example {
    std::string text;
    std::string parsed;
  };
  for (auto const& [text, parsed] : {
           example{"example", "example."},
           example{"WWW.Example.", "WWW.Example."},
           example{".", "."},
           example{"_25._tcp.mail.example", "_25._tcp.mail.example."},
           example{"*.example.", "*.example."},
           example{"a\\.b.example", "a\\.b.example."},
           example{"a\\046b.example.", "a\\.b.example."},
           example{"a b.example", "a\\032b.example."},
           example{"\\000\\255.", "\\000\\255."},
           example{"a\\\\.", "a\\\\."},
           example{"a\\..", "a\\.."},
           example{"(a);.", "\\(a\\)\\;."},
           example{std::string(63, 'x'), std::string(63, 'x') + "."},
           example{repeated("a.", 127), repeated("a.", 127)},
       }) {
    CAPTURE(text);
    CHECK(parse_name(text) == parsed);
    CHECK(parse_name(parsed) == parsed);
  }
}

TEST_CASE("an international name becomes ASCII, and is shown again as it was") {
  CHECK(parse_name("bücher.example") == "xn--bcher-kva.example.");
  CHECK(parse_name("BÜCHER.example") == "xn--bcher-kva.example.");
  CHECK(parse_name("_dmarc.bücher.example") == "_dmarc.xn--bcher-kva.example.");
  CHECK(parse_name("faß.de") == "xn--fa-hia.de.");  // IDNA2008: not "fass"
  CHECK(parse_name("日本語。jp") == "xn--wgv71a119e.jp.");
  CHECK(to_unicode("xn--bcher-kva.example.") == "bücher.example.");
  CHECK(to_unicode("xn--wgv71a119e.jp.") == "日本語.jp.");
}

TEST_CASE("what stands for nothing that is allowed is shown as it is") {
  for (auto const* name : {"www.example.", ".", "xn--a.example.", "xn--.example.",
                           "xn--bcher-kva\\.x.example.", "a\\000b."}) {
    CAPTURE(std::string(name));
    CHECK(to_unicode(name) == name);
  }
}

TEST_CASE("a text that is no name is refused in one line that says why") {
  struct example {
    std::string text;
    std::string reason;
  };
  auto const no_label = R"( is no name: a label has at least one byte; "." alone is the root)"s;
  auto const no_escape =
      R"( is no name: a backslash stands before a special character or three digits)"s;
  for (auto const& [text, message] : {
           example{"", "\"\"" + no_label},
           example{"a..b", "\"a..b\"" + no_label},
           example{".a", "\".a\"" + no_label},
           example{"..", "\"..\"" + no_label},
           example{"a\\", "\"a\\\\\"" + no_escape},
           example{"a\\256", "\"a\\\\256\"" + no_escape},
           example{"a\\12", "\"a\\\\12\"" + no_escape},
           example{"a\0b"s, R"("a\x00b" is no name: write a zero byte as \000)"},
           example{std::string(64, 'x'),
                   '"' + std::string(64, 'x') + "\" is no name: a label has at most 63 bytes"},
           example{repeated("a.", 128), '"' + repeated("a.", 40) +
                                            "\" and 176 bytes more is no name: a name has at "
                                            "most 255 bytes"},
           example{"☃.example", "\"☃.example\" is no name: string contains a disallowed character"},
           example{"ü\\046.example",
                   "\"ü\\\\046.example\" is no name: an international name has no escapes"},
           example{"\xff.example", "\"\\xff.example\" is no name: string encoding error"},
       }) {
    CAPTURE(text);
    CHECK(refusal(text) == message);
  }
}

TEST_CASE("names are the same in any case and with any escapes") {
  CHECK(is_same_name("www.Example.", "WWW.example"));
  CHECK(is_same_name("a\\046b.", "a\\.b."));
  CHECK(is_same_name(".", "."));
  CHECK_FALSE(is_same_name("a.b.", "a\\.b."));
  CHECK_FALSE(is_same_name("a.", "a.b."));
  CHECK_FALSE(is_same_name("@.", "`."));  // as far apart as A and a
  CHECK_FALSE(is_same_name("a..b", "a..b"));
}

TEST_CASE("the name for a reverse lookup has the address backwards") {
  CHECK(reverse_name(address::parse("192.0.2.1")) == "1.2.0.192.in-addr.arpa.");
  CHECK(reverse_name(address::parse("::ffff:192.0.2.1")) == "1.2.0.192.in-addr.arpa.");
  CHECK(reverse_name(address::parse("2001:db8::567:89ab")) ==
        "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.");
  CHECK(reverse_name(address::parse("fe80::1%1")) == "1." + repeated("0.", 28) + "8.e.f.ip6.arpa.");
}

TEST_CASE("a label that has no room leaves the name as it was") {
  weft::detail::wire_name name;
  std::string const label(63, 'x');
  auto const bytes = std::as_bytes(std::span(label));
  for (int i = 0; i < 3; ++i) CHECK(name.append(bytes));
  CHECK_FALSE(name.append(bytes.first(62)));
  CHECK(name.append(bytes.first(61)));
  CHECK(name.bytes().size() == 255);
  CHECK_FALSE(name.append(bytes.first(1)));
  CHECK(name.bytes().size() == 255);
  CHECK(name.text() == repeated(label + ".", 3) + label.substr(2) + ".");
}
