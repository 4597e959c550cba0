// net::unix_address: text to value and back, and the form in which the kernel has it.
#include "weft/net/unix_address.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_set>

#include <fmt/format.h>

#include "support/mutations.hpp"
#include "support/temporary_directory.hpp"
#include "weft/net/format.hpp"

using namespace std::string_literals;
using weft::detail::socket_address;
using weft::detail::to_sockaddr;
using weft::detail::to_unix_address;
using weft::net::unix_address;

namespace {

template <class Make>
std::string refusal(Make make) {
  try {
    make();
  } catch (std::invalid_argument const& error) {
    return error.what();
  }
  return "accepted";
}

std::string const longest(unix_address::size_max, 'x');

// What the kernel says of a socket that is bound there.
unix_address bound(socket_address const& at) {
  int const fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::bind(fd, at.get(), at.size) == 0);
  socket_address told;
  REQUIRE(::getsockname(fd, told.get(), &told.size) == 0);
  ::close(fd);
  return to_unix_address(told);
}

}  // namespace

TEST_CASE("a text is a path, or after an @ an abstract name") {
  auto const path = unix_address::parse("/run/service");
  CHECK(path.is_path());
  CHECK_FALSE((path.is_abstract() || path.is_unnamed()));
  CHECK(path.name() == "/run/service");
  CHECK(path == unix_address::path("/run/service"));
  auto const name = unix_address::parse("@service");
  CHECK(name.is_abstract());
  CHECK_FALSE((name.is_path() || name.is_unnamed()));
  CHECK(name.name() == "service");
  CHECK(name == unix_address::abstract("service"));
  CHECK(name != unix_address::path("service"));
  CHECK(unix_address::parse("./@service").is_path());
  CHECK(unix_address::path("@service").is_path());
  CHECK(unix_address::abstract("").is_abstract());
  CHECK(unix_address().is_unnamed());
  CHECK(unix_address().name().empty());
}

TEST_CASE("a name has at most 107 bytes, and a path at least one and no zero byte") {
  CHECK(unix_address::path(longest).name() == longest);
  CHECK(unix_address::abstract(longest).name() == longest);
  CHECK(unix_address::abstract("a\0b"s).name() == "a\0b"s);
  CHECK(
      refusal([] { unix_address::path(longest + "y"); }).ends_with("it is longer than 107 bytes"));
  CHECK(refusal([] { unix_address::abstract(longest + "y"); }) ==
        "\"" + std::string(80, 'x') +
            "\" and 28 bytes more is no name of a Unix socket: it is longer than 107 bytes");
  CHECK(refusal([] { unix_address::parse(""); }) ==
        "\"\" is no path of a Unix socket: it is empty");
  CHECK(refusal([] { unix_address::path("a\0b"s); }).ends_with("a path has no zero byte"));
  for (auto const& text : {""s, longest + "y", "@" + longest + "y", "a\0b"s}) {
    CHECK_FALSE(unix_address::try_parse(text));
    CHECK_THROWS_AS(unix_address::parse(text), std::invalid_argument);
  }
  CHECK(unix_address::try_parse("@") == unix_address::abstract(""));
}

TEST_CASE("an address prints as it is parsed, with what does not print escaped") {
  for (std::string const text : {"/run/service", "relative", "@name", "@", "@\xc3\xa4"})
    CHECK(unix_address::parse(text).to_string() == text);
  CHECK(unix_address().to_string().empty());
  CHECK(unix_address::abstract("a\0\n\x7f"s).to_string() == "@a\\x00\\x0a\\x7f");
  CHECK(fmt::format("{:>8}", unix_address::parse("@name")) == "   @name");
}

TEST_CASE("addresses order by kind, then by name, and are keys of unordered containers") {
  std::set<unix_address> const ordered{unix_address::path("b"), unix_address::abstract("z"),
                                       unix_address::path("a"), unix_address()};
  std::string all;
  for (auto const& address : ordered) all += address.to_string() + ' ';
  CHECK(all == " @z a b ");
  std::unordered_set<unix_address> const keys(ordered.begin(), ordered.end());
  CHECK(keys.size() == 4);
  CHECK(keys.contains(unix_address::abstract("z")));
}

TEST_CASE("an address survives the kernel's form") {
  for (auto const& address : {unix_address(), unix_address::path("/run/service"),
                              unix_address::path(longest), unix_address::abstract(""),
                              unix_address::abstract("a\0b"s), unix_address::abstract(longest)})
    CHECK(to_unix_address(to_sockaddr(address)) == address);
}

TEST_CASE("the kernel reads and writes its form of an address") {
  support::temporary_directory const here;
  auto const path = unix_address::path(here / "socket");
  CHECK(bound(to_sockaddr(path)) == path);
  auto const name = unix_address::abstract(here / "\0name"s);
  CHECK(bound(to_sockaddr(name)) == name);
  CHECK(bound(to_sockaddr(unix_address())).is_abstract());  // one that the kernel has chosen
}

// Others may bind one byte more than fits with a zero byte; see unix(7), "BUGS".
TEST_CASE("a path that fills the kernel's form to its end is read") {
  support::temporary_directory const here;
  socket_address at;
  at.get()->sa_family = AF_UNIX;
  std::string path = here / "";
  path.resize(sizeof(sockaddr_un::sun_path), 'x');
  std::memcpy(at.storage.data() + offsetof(sockaddr_un, sun_path), path.data(), path.size());
  at.size = sizeof(sockaddr_un);
  CHECK(bound(at).name() == path);
}

TEST_CASE("a socket address of another family, or one cut short, is refused") {
  socket_address other;
  other.get()->sa_family = AF_INET;
  CHECK_THROWS_AS(to_unix_address(other), std::system_error);
  socket_address cut;
  cut.get()->sa_family = AF_UNIX;
  cut.size = 1;
  CHECK_THROWS_AS(to_unix_address(cut), std::system_error);
  cut.size = 0;
  CHECK(to_unix_address(cut).is_unnamed());
}

TEST_CASE("a mutated text is an address that survives printing, or is refused") {
  std::size_t parsed = 0;
  support::for_each_mutation(
      {"/run/service", "@name", "./@name", "@", longest, "@" + longest},
      [&](std::string const& text) {
        try {
          auto const value = unix_address::parse(text);
          CHECK(unix_address::try_parse(text) == value);
          CHECK(to_unix_address(to_sockaddr(value)) == value);
          auto const printed = value.to_string();
          if (printed.find('\\') == printed.npos) CHECK(unix_address::parse(printed) == value);
          ++parsed;
        } catch (std::invalid_argument const& error) {
          CHECK_FALSE(unix_address::try_parse(text));
          CHECK(std::string_view(error.what()).find('\n') == std::string_view::npos);
        }
      });
  CHECK(parsed > 1000);
}
