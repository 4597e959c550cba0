// resolver_options: what is read of a resolv.conf(5).
#include "weft/net/dns/options.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <system_error>
#include <vector>

#include "support/bytes.hpp"
#include "support/mutations.hpp"

using namespace std::chrono_literals;
using weft::net::endpoint;
using weft::net::dns::resolver_options;

namespace {

std::vector<std::string> servers_of(resolver_options const& options) {
  std::vector<std::string> texts;
  for (auto const& server : options.servers) texts.push_back(server.to_string());
  return texts;
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("servers, search list and options are read") {
  auto const read = resolver_options::parse(
      "# made by hand\n"
      "; so\n"
      "nameserver 192.0.2.1\n"
      "nameserver\t 2001:db8::1  \n"
      "search Example. corp.example\n"
      "options ndots:2 timeout:3 attempts:4 rotate use-vc edns0 trust-ad\n"
      "nameserver 192.0.2.3");
  CHECK(servers_of(read) == texts{"192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.3:53"});
  CHECK(read.search == texts{"Example.", "corp.example."});
  CHECK(read.ndots == 2);
  CHECK(read.timeout == 3s);
  CHECK(read.attempts == 4);
  CHECK(read.rotate);
  CHECK(read.use_tcp);
}

TEST_CASE("what is not said is as resolv.conf(5) says") {
  auto const read = resolver_options::parse("");
  CHECK(read.servers.empty());
  CHECK(read.search.empty());
  CHECK(read.ndots == 1);
  CHECK(read.timeout == 5s);
  CHECK(read.attempts == 2);
  CHECK_FALSE(read.rotate);
  CHECK_FALSE(read.use_tcp);
  CHECK(read.edns_size == 1232);
}

TEST_CASE("of domain and search the last one counts") {
  CHECK(resolver_options::parse("domain a.example b.example\n").search == texts{"a.example."});
  CHECK(resolver_options::parse("search a b\ndomain c\n").search == texts{"c."});
  CHECK(resolver_options::parse("domain c\nsearch a b\n").search == texts{"a.", "b."});
  CHECK(resolver_options::parse("search .\n").search == texts{"."});
}

TEST_CASE("numbers beyond the limits are the limits") {
  auto const most = resolver_options::parse("options ndots:99 timeout:99999999999 attempts:6\n");
  CHECK(most.ndots == 15);
  CHECK(most.timeout == 30s);
  CHECK(most.attempts == 5);
  auto const least = resolver_options::parse("options ndots:0 timeout:0 attempts:0\n");
  CHECK(least.ndots == 0);
  CHECK(least.timeout == 1s);
  CHECK(least.attempts == 1);
}

TEST_CASE("what is wrong or unknown is skipped") {
  auto const read = resolver_options::parse(
      " nameserver 192.0.2.9\n"  // the keyword must begin the line
      "nameserver\n"
      "nameserver example\n"
      "nameservers 192.0.2.9\n"
      "sortlist 130.155.160.0\n"
      "search a..b bücher.example\r\n"
      "options ndots: ndots:x ndots:-3 timeout:-99999999999 ndotsx:4 attempts\n"
      "\n\n"
      "nameserver 192.0.2.1\r\n");
  CHECK(servers_of(read) == texts{"192.0.2.1:53"});
  CHECK(read.search == texts{"xn--bcher-kva.example."});
  CHECK(read.ndots == 1);
  CHECK(read.timeout == 5s);
  CHECK(read.attempts == 2);
}

TEST_CASE("any text is read, within the limits") {
  support::for_each_mutation(
      {"nameserver 192.0.2.1\nsearch a.example b\n", "options ndots:2 timeout:3 attempts:4\n",
       "domain example\noptions rotate use-vc\nnameserver fe80::1%1\n"},
      [](std::string const& text) {
        auto const read = resolver_options::parse(text, 5353);
        CHECK(read.ndots >= 0);
        CHECK(read.ndots <= 15);
        CHECK(read.timeout >= 1s);
        CHECK(read.timeout <= 30s);
        CHECK(read.attempts >= 1);
        CHECK(read.attempts <= 5);
        for (auto const& server : read.servers) CHECK(server.port() == 5353);
      });
}

TEST_CASE("a file is read, and one that is not there is an error that names it") {
  std::string path = "/tmp/weft-resolv-XXXXXX";
  int const fd = ::mkstemp(path.data());
  REQUIRE(fd >= 0);
  auto const text = support::bytes_of("nameserver 192.0.2.1\n");
  CHECK(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  ::close(fd);
  CHECK(servers_of(resolver_options::from_file(path, 5353)) == texts{"192.0.2.1:5353"});
  ::unlink(path.c_str());
  try {
    resolver_options::from_file(path);
    FAIL("it is gone");
  } catch (std::system_error const& error) {
    CHECK(error.code() == std::errc::no_such_file_or_directory);
    CHECK(error.what() == "read " + path + ": No such file or directory");
  }
  CHECK_THROWS_AS(resolver_options::from_file("/"), std::system_error);
}

TEST_CASE("this machine has options, whatever its files say") {
  CHECK(resolver_options::system().attempts >= 1);
}
