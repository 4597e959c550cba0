// net::address: text to value and back, and what an address is asked.
#include "weft/net/address.hpp"

#include <doctest/doctest.h>
#include <net/if.h>

#include <cstddef>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <vector>

#include <fmt/format.h>

#include "support/mutations.hpp"
#include "weft/net/format.hpp"

using namespace std::string_literals;
using weft::net::address;

namespace {

std::string printed(std::string_view text) { return address::parse(text).to_string(); }

std::string refusal(std::string_view text) {
  try {
    return "it is " + printed(text);
  } catch (std::invalid_argument const& error) {
    return error.what();
  }
}

constexpr auto in_numbers =
    " is no IP address: an address is written in numbers, as in 192.0.2.1 or 2001:db8::1";
constexpr auto unknown_interface = " is no IP address: there is no network interface of that name";

}  // namespace

static_assert(std::is_trivially_copyable_v<address>);
static_assert(std::is_nothrow_default_constructible_v<address>);
static_assert(!std::is_convertible_v<char const*, address>);
static_assert(address::loopback_v6().is_loopback());

TEST_CASE("an IPv4 address is printed as it was parsed") {
  for (auto const* text : {"0.0.0.0", "127.0.0.1", "192.0.2.1", "255.255.255.255", "10.0.0.10"}) {
    CAPTURE(std::string(text));
    auto const parsed = address::parse(text);
    CHECK(parsed.is_v4());
    CHECK_FALSE(parsed.is_v6());
    CHECK(parsed.bytes().size() == 4);
    CHECK(parsed.scope_id() == 0);
    CHECK(parsed.to_string() == text);
  }
}

TEST_CASE("an IPv6 address is printed in the canonical text of RFC 5952") {
  struct example {
    std::string text;
    char const* canonical;
  };
  for (auto const& [text, canonical] : {
           example{"2001:0db8::0001", "2001:db8::1"},               // 4.1: no leading zeros
           example{"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},        // 4.2.1: as short as can be
           example{"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // 4.2.2: not for one field
           example{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},          // 4.2.3: the longest run
           example{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},    // 4.2.3: or the first
           example{"2001:DB8::ABCD", "2001:db8::abcd"},             // 4.3: lower case
           example{"::ffff:c000:201", "::ffff:192.0.2.1"},          // 5: IPv4 within
           example{"0:0:0:0:0:0:0:0", "::"},
           example{"0:0:0:0:0:0:0:1", "::1"},
           example{"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
           example{"ff02:0:0:0:0:0:0:0", "ff02::"},
       }) {
    CAPTURE(text);
    CHECK(address::parse(text).is_v6());
    CHECK(address::parse(text).bytes().size() == 16);
    CHECK(printed(text) == canonical);
    CHECK(printed(canonical) == canonical);
    CHECK(address::parse(text) == address::parse(canonical));
  }
}

TEST_CASE("a text that is no address is refused in one line that says why") {
  struct example {
    std::string text;
    std::string message;
  };
  for (auto const& [text, message] : {
           example{"", "\"\""s + in_numbers},
           example{" ", "\" \""s + in_numbers},
           example{"localhost", "\"localhost\""s + in_numbers},
           example{"1.2.3", "\"1.2.3\""s + in_numbers},
           example{"1.2.3.4.5", "\"1.2.3.4.5\""s + in_numbers},
           example{"1.2.3.", "\"1.2.3.\""s + in_numbers},
           example{"1.2.3.4.", "\"1.2.3.4.\""s + in_numbers},
           example{"1.2.3.256", "\"1.2.3.256\""s + in_numbers},
           example{"1.2.3.-4", "\"1.2.3.-4\""s + in_numbers},
           example{"127.1", "\"127.1\""s + in_numbers},
           example{"2130706433", "\"2130706433\""s + in_numbers},
           example{"010.0.0.1", "\"010.0.0.1\""s + in_numbers},
           example{"127.0.0.01", "\"127.0.0.01\""s + in_numbers},
           example{"0x7f.0.0.1", "\"0x7f.0.0.1\""s + in_numbers},
           example{" 127.0.0.1", "\" 127.0.0.1\""s + in_numbers},
           example{"127.0.0.1 ", "\"127.0.0.1 \""s + in_numbers},
           example{"127.0.0.1\n", "\"127.0.0.1\\n\""s + in_numbers},
           example{"127.0.0.1:80", "\"127.0.0.1:80\""s + in_numbers},
           example{"127.0.0.1/8", "\"127.0.0.1/8\""s + in_numbers},
           example{"127.0.0.1\0"s, "\"127.0.0.1\\x00\""s + in_numbers},
           example{"127.0.0.1\0.2"s, "\"127.0.0.1\\x00.2\""s + in_numbers},
           example{"::1\0"s, "\"::1\\x00\""s + in_numbers},
           example{"\xff\xfe", "\"\\xff\\xfe\""s + in_numbers},
           example{":", "\":\""s + in_numbers},
           example{":::", "\":::\""s + in_numbers},
           example{":1", "\":1\""s + in_numbers},
           example{"1::2::3", "\"1::2::3\""s + in_numbers},
           example{"1:2:3:4:5:6:7", "\"1:2:3:4:5:6:7\""s + in_numbers},
           example{"1:2:3:4:5:6:7:8:9", "\"1:2:3:4:5:6:7:8:9\""s + in_numbers},
           example{"12345::", "\"12345::\""s + in_numbers},
           example{"g::", "\"g::\""s + in_numbers},
           example{"::1 ", "\"::1 \""s + in_numbers},
           example{"::ffff:1.2.3", "\"::ffff:1.2.3\""s + in_numbers},
           example{"::ffff:1.2.3.04", "\"::ffff:1.2.3.04\""s + in_numbers},
           example{std::string(1000, '1'),
                   '"' + std::string(80, '1') + "\" and 920 bytes more" + in_numbers},
           example{"[::1]", "\"[::1]\" is no IP address: an address has no brackets of its own"},
           example{"127.0.0.1%1",
                   "\"127.0.0.1%1\" is no IP address: only an IPv6 address has a scope"},
           example{"127.0.0.1%",
                   "\"127.0.0.1%\" is no IP address: only an IPv6 address has a scope"},
           example{"fe80::1%",
                   "\"fe80::1%\" is no IP address: after % comes the name or the index of a "
                   "network interface"},
           example{"fe80::1%4294967296",
                   "\"fe80::1%4294967296\" is no IP address: the index of a network interface has "
                   "32 bits"},
           example{"fe80::1%weft-missing", "\"fe80::1%weft-missing\""s + unknown_interface},
           example{"fe80::1%+1", "\"fe80::1%+1\""s + unknown_interface},
           example{"fe80::1%1 ", "\"fe80::1%1 \""s + unknown_interface},
           example{"fe80::1%%1", "\"fe80::1%%1\""s + unknown_interface},
           example{"fe80::1%lo:1", "\"fe80::1%lo:1\""s + unknown_interface},
           example{"fe80::1%lo\0"s, "\"fe80::1%lo\\x00\""s + unknown_interface},
           example{"fe80::1%" + std::string(16, 'x'),
                   "\"fe80::1%" + std::string(16, 'x') + '"' + unknown_interface},
       }) {
    CAPTURE(text);
    CHECK(refusal(text) == message);
    CHECK_FALSE(address::try_parse(text));
  }
}

TEST_CASE("try_parse yields what parse yields") {
  CHECK(address::try_parse("192.0.2.1") == address::parse("192.0.2.1"));
  CHECK(address::try_parse("fe80::1%7") == address::parse("fe80::1%7"));
}

TEST_CASE("a text need not end in a NUL") {
  CHECK(address::parse(std::string_view("192.0.2.123").substr(0, 9)).to_string() == "192.0.2.1");
}

TEST_CASE("a scope is read as an index, and printed as an index when no interface has it") {
  auto const scoped = address::parse("fe80::1%4000000000");
  CHECK(scoped.scope_id() == 4'000'000'000);
  CHECK(scoped.to_string() == "fe80::1%4000000000");
  CHECK(scoped == address::v6(address::parse("fe80::1").bytes().first<16>(), 4'000'000'000));
  CHECK(scoped != address::parse("fe80::1"));
  CHECK(address::parse("fe80::1%0") == address::parse("fe80::1"));
}

TEST_CASE("a scope is read and printed as the name of an interface") {
  auto const index = ::if_nametoindex("lo");
  if (index == 0) {
    MESSAGE("skipped: there is no interface lo here");
    return;
  }
  CHECK(address::parse("fe80::1%lo").scope_id() == index);
  CHECK(printed("fe80::1%lo") == "fe80::1%lo");
  CHECK(printed("fe80::1%" + std::to_string(index)) == "fe80::1%lo");
}

TEST_CASE("an address knows what it is for") {
  struct example {
    std::string text;
    bool is_loopback;
    bool is_unspecified;
    bool is_multicast;
  };
  for (auto const& [text, is_loopback, is_unspecified, is_multicast] : {
           example{"127.0.0.1", true, false, false},
           example{"127.255.255.255", true, false, false},
           example{"128.0.0.1", false, false, false},
           example{"0.0.0.0", false, true, false},
           example{"0.0.0.1", false, false, false},
           example{"223.255.255.255", false, false, false},
           example{"224.0.0.1", false, false, true},
           example{"239.255.255.255", false, false, true},
           example{"240.0.0.0", false, false, false},
           example{"::1", true, false, false},
           example{"::2", false, false, false},
           example{"::", false, true, false},
           example{"ff02::1", false, false, true},
           example{"fe80::1", false, false, false},
           example{"7f00::1", false, false, false},
           example{"e000::1", false, false, false},
           example{"::ffff:127.0.0.1", false, false, false},
       }) {
    CAPTURE(text);
    auto const parsed = address::parse(text);
    CHECK(parsed.is_loopback() == is_loopback);
    CHECK(parsed.is_unspecified() == is_unspecified);
    CHECK(parsed.is_multicast() == is_multicast);
  }
}

TEST_CASE("the named addresses are those of their texts") {
  CHECK(address() == address::any_v4());
  CHECK(address::any_v4() == address::parse("0.0.0.0"));
  CHECK(address::any_v6() == address::parse("::"));
  CHECK(address::loopback_v4() == address::parse("127.0.0.1"));
  CHECK(address::loopback_v6() == address::parse("::1"));
}

TEST_CASE("an address is made of its bytes") {
  for (auto const* text : {"192.0.2.1", "2001:db8:1:2:3:4:5:6", "fe80::1%7"}) {
    CAPTURE(std::string(text));
    auto const parsed = address::parse(text);
    auto const made = parsed.is_v4() ? address::v4(parsed.bytes().first<4>())
                                     : address::v6(parsed.bytes().first<16>(), parsed.scope_id());
    CHECK(made == parsed);
  }
  CHECK(address::parse("192.0.2.1").bytes()[0] == std::byte{192});
  CHECK(address::parse("2001:db8::1").bytes()[3] == std::byte{0xb8});
}

TEST_CASE("to_v4 unmaps a mapped address") {
  auto const mapped = address::parse("::ffff:192.0.2.1");
  CHECK(mapped.is_v4_mapped());
  CHECK(mapped != address::parse("192.0.2.1"));
  CHECK(mapped.to_v4() == address::parse("192.0.2.1"));
  CHECK(address::parse("192.0.2.1").to_v4() == address::parse("192.0.2.1"));
  for (auto const* text : {"::192.0.2.1", "::fffe:192.0.2.1", "1::ffff:192.0.2.1", "::1"}) {
    CAPTURE(std::string(text));
    CHECK_FALSE(address::parse(text).is_v4_mapped());
    CHECK_FALSE(address::parse(text).to_v4());
  }
  CHECK_FALSE(address::parse("255.255.255.255").is_v4_mapped());
}

TEST_CASE("IPv4 orders before IPv6, then the bytes decide, then the scope") {
  std::vector<std::string> const ordered = {"0.0.0.0",     "9.0.0.0", "10.0.0.0", "192.0.2.1",
                                            "::",          "::1",     "fe80::1",  "fe80::1%100",
                                            "fe80::1%200", "fe80::2", "ff02::"};
  std::set<address> sorted;
  for (auto const& text : ordered) sorted.insert(address::parse(text));
  std::vector<address> const parsed(sorted.begin(), sorted.end());
  REQUIRE(parsed.size() == ordered.size());
  for (std::size_t i = 0; i < parsed.size(); ++i) CHECK(parsed[i] == address::parse(ordered[i]));
}

TEST_CASE("addresses are keys of unordered containers") {
  std::unordered_set<address> const known = {address::parse("::1"), address::parse("::2"),
                                             address::parse("::1%2"), address::parse("::1")};
  CHECK(known.size() == 3);
  CHECK(known.contains(address::loopback_v6()));
}

TEST_CASE("fmt prints an address as a string") {
  CHECK(fmt::format("{}", address::parse("2001:DB8::1")) == "2001:db8::1");
  CHECK(fmt::format("{:>10}|{:*<10}|{:^7}", address::loopback_v4(), address::loopback_v4(),
                    address::loopback_v6()) == " 127.0.0.1|127.0.0.1*|  ::1  ");
}

TEST_CASE("a mutated text is an address that survives printing, or is refused") {
  std::size_t parsed = 0;
  support::for_each_mutation(
      {"127.0.0.1", "255.255.255.255", "::", "::1", "2001:db8:1:2:3:4:5:6", "::ffff:192.0.2.1",
       "fe80::1%lo", "fe80::1%12", "ff02::1:2%3"},
      [&](std::string const& text) {
        try {
          auto const value = address::parse(text);
          CHECK(address::try_parse(text) == value);
          CHECK(address::parse(value.to_string()) == value);
          ++parsed;
        } catch (std::invalid_argument const& error) {
          CHECK_FALSE(address::try_parse(text));
          CHECK(std::string_view(error.what()).find('\n') == std::string_view::npos);
        }
      });
  CHECK(parsed > 1000);
}
