// net::endpoint: text to value and back, and the form in which the kernel has it.
#include "weft/net/endpoint.hpp"

#include <doctest/doctest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <unordered_set>

#include <fmt/format.h>

#include "support/mutations.hpp"
#include "weft/net/detail/socket_address.hpp"
#include "weft/net/format.hpp"

using namespace std::string_literals;
using weft::detail::from_sockaddr;
using weft::detail::socket_address;
using weft::detail::to_sockaddr;
using weft::net::address;
using weft::net::endpoint;

namespace {

std::string printed(std::string_view text) { return endpoint::parse(text).to_string(); }

std::string refusal(std::string_view text) {
  try {
    return "it is " + printed(text);
  } catch (std::invalid_argument const& error) {
    return error.what();
  }
}

// What from_sockaddr throws.
std::error_code refusal_of(sockaddr const* from, std::size_t size) {
  try {
    from_sockaddr(from, static_cast<std::uint32_t>(size));
    return {};
  } catch (std::system_error const& error) {
    return error.code();
  }
}

constexpr auto in_numbers =
    " is no endpoint: an address is written in numbers, as in 192.0.2.1 or 2001:db8::1";
constexpr auto no_address =
    " is no endpoint: the address is missing; 0.0.0.0 or [::] means any of this machine";
constexpr auto no_brackets =
    " is no endpoint: put an IPv6 address in brackets, as in [2001:db8::1]:80";
constexpr auto no_port =
    " is no endpoint: the port is missing; write it as in 192.0.2.1:80 or [2001:db8::1]:80";
constexpr auto no_number = " is no endpoint: a port is a number from 0 to 65535";

}  // namespace

static_assert(std::is_trivially_copyable_v<endpoint>);
static_assert(!std::is_convertible_v<char const*, endpoint>);
static_assert(!std::is_constructible_v<endpoint, char const*>);
static_assert(endpoint(address::loopback_v4(), 80).port() == 80);

TEST_CASE("an endpoint is parsed and printed") {
  struct example {
    std::string text;
    char const* address;
    std::uint16_t port;
    char const* printed;
  };
  for (auto const& [text, address_text, port, again] : {
           example{"127.0.0.1:7000", "127.0.0.1", 7000, "127.0.0.1:7000"},
           example{"0.0.0.0:0", "0.0.0.0", 0, "0.0.0.0:0"},
           example{"192.0.2.1:65535", "192.0.2.1", 65535, "192.0.2.1:65535"},
           example{"192.0.2.1:080", "192.0.2.1", 80, "192.0.2.1:80"},
           example{"[::1]:80", "::1", 80, "[::1]:80"},
           example{"[::]:0", "::", 0, "[::]:0"},
           example{"[2001:DB8::0:1]:443", "2001:db8::1", 443, "[2001:db8::1]:443"},
           example{"[::ffff:192.0.2.1]:1", "::ffff:192.0.2.1", 1, "[::ffff:192.0.2.1]:1"},
           example{"[fe80::1%4000000000]:80", "fe80::1%4000000000", 80, "[fe80::1%4000000000]:80"},
       }) {
    CAPTURE(text);
    auto const parsed = endpoint::parse(text);
    CHECK(parsed.address() == address::parse(address_text));
    CHECK(parsed.port() == port);
    CHECK(parsed == endpoint(address::parse(address_text), port));
    CHECK(parsed.to_string() == again);
    CHECK(endpoint::parse(again) == parsed);
    CHECK(endpoint::try_parse(text) == parsed);
  }
}

TEST_CASE("an endpoint has the scope of its address") {
  if (::if_nametoindex("lo") == 0) {
    MESSAGE("skipped: there is no interface lo here");
    return;
  }
  CHECK(endpoint::parse("[fe80::1%lo]:80").address().scope_id() == ::if_nametoindex("lo"));
  CHECK(printed("[fe80::1%lo]:80") == "[fe80::1%lo]:80");
}

TEST_CASE("a text that is no endpoint is refused in one line that says what to do") {
  struct example {
    std::string text;
    std::string message;
  };
  for (auto const& [text, message] : {
           example{"", "\"\""s + no_port},
           example{"80", "\"80\""s + no_port},
           example{"127.0.0.1", "\"127.0.0.1\""s + no_port},
           example{"127.0.0.1:", "\"127.0.0.1:\""s + no_port},
           example{"[::1]", "\"[::1]\""s + no_port},
           example{"[::1]:", "\"[::1]:\""s + no_port},
           example{":", "\":\""s + no_address},
           example{":80", "\":80\""s + no_address},
           example{"::1:80", "\"::1:80\""s + no_brackets},
           example{"::1", "\"::1\""s + no_brackets},
           example{"2001:db8::1:80", "\"2001:db8::1:80\""s + no_brackets},
           example{"::ffff:192.0.2.1:80", "\"::ffff:192.0.2.1:80\""s + no_brackets},
           example{"fe80::1%lo:80", "\"fe80::1%lo:80\""s + no_brackets},
           example{"127.0.0.1:-1", "\"127.0.0.1:-1\""s + no_number},
           example{"127.0.0.1:+1", "\"127.0.0.1:+1\""s + no_number},
           example{"127.0.0.1: 80", "\"127.0.0.1: 80\""s + no_number},
           example{"127.0.0.1:80 ", "\"127.0.0.1:80 \""s + no_number},
           example{"127.0.0.1:80\n", "\"127.0.0.1:80\\n\""s + no_number},
           example{"127.0.0.1:80\0"s, "\"127.0.0.1:80\\x00\""s + no_number},
           example{"127.0.0.1:80:90", "\"127.0.0.1:80:90\""s + no_number},
           example{"127.0.0.1:0x50", "\"127.0.0.1:0x50\""s + no_number},
           example{"127.0.0.1:http", "\"127.0.0.1:http\""s + no_number},
           example{"127.0.0.1:65536", "\"127.0.0.1:65536\""s + no_number},
           example{"127.0.0.1:99999999999", "\"127.0.0.1:99999999999\""s + no_number},
           example{"[::1]:65536", "\"[::1]:65536\""s + no_number},
           example{"localhost:80", "\"localhost:80\""s + in_numbers},
           example{"1.2.3:80", "\"1.2.3:80\""s + in_numbers},
           example{" 127.0.0.1:80", "\" 127.0.0.1:80\""s + in_numbers},
           example{"010.0.0.1:80", "\"010.0.0.1:80\""s + in_numbers},
           example{"127.0.0.1\0:80"s, "\"127.0.0.1\\x00:80\""s + in_numbers},
           example{"[]:80", "\"[]:80\""s + in_numbers},
           example{"[ ::1]:80", "\"[ ::1]:80\""s + in_numbers},
           example{std::string(200, '1') + ":80",
                   '"' + std::string(80, '1') + "\" and 123 bytes more" + in_numbers},
           example{"[127.0.0.1]:80",
                   "\"[127.0.0.1]:80\" is no endpoint: only an IPv6 address is put in brackets"},
           example{"[::1:80",
                   "\"[::1:80\" is no endpoint: the closing bracket is missing, as in "
                   "[2001:db8::1]:80"},
           example{"[::1]80",
                   "\"[::1]80\" is no endpoint: after the bracket comes a colon, as in "
                   "[2001:db8::1]:80"},
           example{"[[::1]]:80",
                   "\"[[::1]]:80\" is no endpoint: an address has no brackets of its own"},
           example{"[fe80::1%weft-missing]:80",
                   "\"[fe80::1%weft-missing]:80\" is no endpoint: there is no network interface of "
                   "that name"},
           example{"127.0.0.1%1:80",
                   "\"127.0.0.1%1:80\" is no endpoint: only an IPv6 address has a scope"},
       }) {
    CAPTURE(text);
    CHECK(refusal(text) == message);
    CHECK_FALSE(endpoint::try_parse(text));
  }
}

TEST_CASE("endpoints order by address, then by port") {
  std::set<endpoint> const sorted = {endpoint::parse("[::1]:1"), endpoint::parse("10.0.0.1:9"),
                                     endpoint::parse("10.0.0.1:10"), endpoint::parse("9.0.0.1:99")};
  CHECK(fmt::format("{}", fmt::join(sorted, " ")) == "9.0.0.1:99 10.0.0.1:9 10.0.0.1:10 [::1]:1");
}

TEST_CASE("endpoints are keys of unordered containers") {
  std::unordered_set<endpoint> known;
  for (int port = 0; port <= 0xffff; ++port) {
    known.emplace(address::loopback_v4(), static_cast<std::uint16_t>(port));
  }
  CHECK(known.size() == 0x10000);
  CHECK(known.contains(endpoint::parse("127.0.0.1:65535")));
  std::unordered_set<std::size_t> hashes;
  for (auto const& each : known) hashes.insert(std::hash<endpoint>()(each));
  CHECK(hashes.size() == known.size());
}

TEST_CASE("fmt prints an endpoint as a string") {
  CHECK(fmt::format("{}", endpoint::parse("[::1]:80")) == "[::1]:80");
  CHECK(fmt::format("{:>10}|{:*<10}|{:.5}", endpoint::parse("[::1]:80"),
                    endpoint::parse("[::1]:80"),
                    endpoint::parse("127.0.0.1:80")) == "  [::1]:80|[::1]:80**|127.0");
}

TEST_CASE("an endpoint survives the kernel's form") {
  for (auto const* text : {"0.0.0.0:0", "192.0.2.1:258", "[::]:65535", "[2001:db8::1]:80",
                           "[fe80::1%4000000000]:80", "[::ffff:192.0.2.1]:80"}) {
    CAPTURE(std::string(text));
    auto const parsed = endpoint::parse(text);
    auto const stored = to_sockaddr(parsed);
    CHECK(stored.size == (parsed.address().is_v4() ? sizeof(sockaddr_in) : sizeof(sockaddr_in6)));
    CHECK(from_sockaddr(stored.get(), stored.size) == parsed);
  }
}

TEST_CASE("the kernel's form is in network order") {
  auto const stored = to_sockaddr(endpoint::parse("192.0.2.1:258"));
  sockaddr_in read{};
  std::memcpy(&read, stored.get(), sizeof(read));
  CHECK(read.sin_family == AF_INET);
  CHECK(read.sin_port == htons(258));
  CHECK(read.sin_addr.s_addr == htonl(0xc0000201));
}

TEST_CASE("the kernel reads and writes its form of an endpoint") {
  for (auto const& any_port :
       {endpoint(address::loopback_v4(), 0), endpoint(address::loopback_v6(), 0)}) {
    int const family = any_port.address().is_v4() ? AF_INET : AF_INET6;
    int const socket = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    auto const wanted = to_sockaddr(any_port);
    if (socket < 0 || ::bind(socket, wanted.get(), wanted.size) != 0) {
      MESSAGE("skipped: no " << any_port.to_string() << " here");
      if (socket >= 0) ::close(socket);
      continue;
    }
    socket_address bound;
    CHECK(::getsockname(socket, bound.get(), &bound.size) == 0);
    auto const read = from_sockaddr(bound.get(), bound.size);
    CHECK(read.address() == any_port.address());
    CHECK(read.port() != 0);
    ::close(socket);
  }
}

TEST_CASE("a socket address of another family, or one cut short, is refused") {
  socket_address foreign;
  sa_family_t const family = AF_UNIX;
  std::memcpy(foreign.storage.data(), &family, sizeof(family));
  CHECK(refusal_of(foreign.get(), sizeof(sockaddr_un)) == std::errc::address_family_not_supported);
  CHECK(refusal_of(foreign.get(), 0) == std::errc::invalid_argument);
  CHECK(refusal_of(nullptr, 0) == std::errc::invalid_argument);
  for (auto const* text : {"192.0.2.1:80", "[::1]:80"}) {
    auto const stored = to_sockaddr(endpoint::parse(text));
    for (std::uint32_t size = 0; size < stored.size; ++size) {
      CHECK(refusal_of(stored.get(), size) == std::errc::invalid_argument);
    }
  }
}

TEST_CASE("a mutated text is an endpoint that survives printing, or is refused") {
  std::size_t parsed = 0;
  support::for_each_mutation(
      {"127.0.0.1:80", "255.255.255.255:65535", "[::]:0", "[::1]:7000",
       "[2001:db8:1:2:3:4:5:6]:443", "[::ffff:192.0.2.1]:80", "[fe80::1%lo]:80",
       "[ff02::1%3]:5353"},
      [&](std::string const& text) {
        try {
          auto const value = endpoint::parse(text);
          CHECK(endpoint::try_parse(text) == value);
          CHECK(endpoint::parse(value.to_string()) == value);
          ++parsed;
        } catch (std::invalid_argument const& error) {
          CHECK_FALSE(endpoint::try_parse(text));
          CHECK(std::string_view(error.what()).find('\n') == std::string_view::npos);
        }
      });
  CHECK(parsed > 1000);
}
