// nslookup against BIND's: what is asked, how, and how it fails.
#include <fstream>
#include <sstream>

#include "examples/bind.hpp"

#include <doctest/doctest.h>

namespace {

void check_all(std::vector<words> const& cases) {
  if (!has_bind()) return;
  auto const server = dns_server(real_backends.front());
  for (auto const& each : cases) check_as_bind({}, asking(server, each));
}

// The names in a zone file that have a type of their own, and that type.
std::vector<words> every_type() {
  std::vector<words> cases;
  std::ifstream file(zone_path("types.example.zone"));
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string name;
    std::string in;
    std::string type;
    fields >> name >> in >> type;
    bool const is_one = in == "IN" && name != "@" && name.find('.') == std::string::npos;
    if (is_one) cases.push_back({"-type=" + type, name + ".types.example"});
  }
  return cases;
}

}  // namespace

TEST_CASE("nslookup prints records of every type as BIND's does") {
  auto const cases = every_type();
  REQUIRE(cases.size() > 90);
  check_all(cases);
}

TEST_CASE("nslookup prints names with and without records as BIND's does") {
  std::vector<words> cases;
  for (std::string const name : {"python.org",
                                 "www.python.org",
                                 "pypi.python.org",
                                 "loop.python.org",
                                 "gone.python.org",
                                 "wiki.python.org",
                                 "x.wild.python.org",
                                 "a.b.wild.python.org",
                                 "b.deep.python.org",
                                 "MIXEDcase.python.org",
                                 "x.old.python.org",
                                 "sub.python.org",
                                 "foo.sub.python.org",
                                 "large.python.org",
                                 "nothere.python.org",
                                 "example.com",
                                 "cut.python.org",
                                 "broken.python.org",
                                 "v4only.python.org",
                                 "v6only.python.org",
                                 "many.python.org",
                                 "at@sign.python.org",
                                 R"(at\@sign.python.org)",
                                 "under_score.python.org",
                                 ".",
                                 "org"}) {
    for (std::string const option :
         {"-sil", "-type=any", "-type=mx", "-type=txt", "-debug", "-vc", "-type=aaaa"})
      cases.push_back({option, name});
  }
  check_all(cases);
}

TEST_CASE("nslookup finds the names of addresses as BIND's does") {
  std::vector<words> cases;
  for (std::string const address :
       {"192.0.2.80", "192.0.2.53", "192.0.2.129", "192.0.2.99", "203.0.113.1", "2001:db8::53",
        "2001:DB8::54", "::ffff:192.0.2.80", "::1", "192.0.2.080", "192.0.2", "1.2.3.4.5",
        "fe80::1%lo"}) {
    for (std::string const option : {"-sil", "-debug", "-type=mx"})
      cases.push_back({option, address});
  }
  check_all(cases);
}

TEST_CASE("nslookup takes options as BIND's does") {
  check_all({
      {"-query=mx", "python.org"},
      {"-querytype=mx", "python.org"},
      {"-qu=MX", "python.org"},
      {"-Q=mX", "python.org"},
      {"-ty=type15", "python.org"},
      {"-type=bogus", "python.org"},
      {"-type=", "python.org"},
      {"-type=type65536", "python.org"},
      {"-type=nsap-ptr", "t-nsap-ptr.types.example"},
      {"-type=axfr", "python.org"},
      {"-type=any", "-novc", "wiki.python.org"},
      {"-type=soa", "-debug", "-vc", "python.org"},
      {"-class=ch", "python.org"},
      {"-cl=hesiod", "python.org"},
      {"-class=any", "python.org"},
      {"-class=bogus", "python.org"},
      {"-port=x", "python.org"},
      {"-port=65536", "python.org"},
      {"-timeout=-1", "python.org"},
      {"-t=4294967296", "python.org"},
      {"-retry=2147483648", "python.org"},
      {"-ret=1", "python.org"},
      {"-ndots=129", "python.org"},
      {"-norecurse", "-debug", "python.org"},
      {"-fail", "broken.python.org"},
      {"-nofail", "broken.python.org"},
      {"-sil", "python.org"},
      {"-all", "python.org"},
      {"-ALL", "-deb", "python.org"},
      {"-de", "python.org"},
      {"-no", "python.org"},
      {"-nodebugging", "python.org"},
      {"--python.org", "wiki.python.org"},
      {"--", "wiki.python.org"},
      {"python.org", "-type=mx"},
      {"wiki.python.org", "-debug"},
  });
}

TEST_CASE("nslookup searches domains as BIND's does") {
  check_all({
      {"-domain=python.org", "wiki"},
      {"-do=python.org", "-debug", "wiki"},
      {"-domain=python.org", "nothere"},
      {"-domain=python.org", "-debug", "nothere"},
      {"-domain=python.org", "wiki."},
      {"-domain=python.org", "-nosearch", "wiki"},
      {"-domain=python.org", "-nodef", "-search", "wiki"},
      {"-domain=python.org", "-type=mx", "wiki"},
      {"-domain=python.org", "-ndots=2", "a.wild"},
      {"-domain=python.org", "-ndots=4", "a.b.deep"},
      {"-domain=python.org", "-ndots=0", "wiki"},
      {"-domain=python.org", R"(wi\.ki)"},
      {"-domain=python.org", "-vc", "wiki"},
      {"-domain=", "wiki"},
      {"-domain=a..b", "wiki"},
      {"-nosearch", "wiki"},
  });
}

TEST_CASE("nslookup refuses what is no name as BIND's does") {
  check_all({
      {"a..b"},
      {".a"},
      {R"(a\)"},
      {R"(a\999)"},
      {R"(a\12)"},
      {""},
      {"@"},
      {"a b.python.org"},
      {"caf\xc3\xa9.python.org"},
      {std::string(63, 'a') + ".python.org"},
      {std::string(64, 'a') + ".python.org"},
      {std::string(250, '.')},
  });
}

TEST_CASE("nslookup goes on without an answer as BIND's does") {
  check_all({
      {"-timeout=1", "-retry=2", "silent.python.org"},
      {"-timeout=1", "-retry=1", "-vc", "silent.python.org"},
      {"-timeout=1", "-retry=2", "-vc", "silent.python.org"},
      {"-timeout=1", "-retry=0", "-type=mx", "silent.python.org"},
  });
}

TEST_CASE("nslookup says that a server cannot be reached as BIND's does") {
  if (!has_bind()) return;
  // Bound and not listened to: nobody else takes the port, and there is nobody behind it.
  auto const taken = plain_socket::bind();
  auto const port = "-port=" + std::to_string(taken.port());
  check_as_bind({}, {port, "python.org", "127.0.0.1"});
  check_as_bind({}, {port, "-vc", "python.org", "127.0.0.1"});
  check_as_bind({}, {port, "-vc", "-retry=1", "python.org", "127.0.0.1"});
  check_as_bind({}, {port, "-retry=0", "-type=mx", "python.org", "127.0.0.1"});
}

TEST_CASE("nslookup ends at bad usage as BIND's does") {
  if (!has_bind()) return;
  check_as_bind({}, {"a", "b", "c"});
  check_as_bind({}, {"a", "127.0.0.1", "-type=mx"});
  check_as_bind({}, {"python.org", "no server"});
  check_as_bind({}, {"-version"});
  check_as_bind({}, {"-foo", "-VER"});
}

TEST_CASE("nslookup obeys commands as BIND's does") {
  if (!has_bind()) return;
  std::vector<std::string> const sessions{
      "",
      "exit\n",
      "set q=mx\npython.org\nexit\n",
      "set type=mx\npython.org",
      "set all\n",
      // One session in two literals: NOLINTNEXTLINE(bugprone-suspicious-missing-comma)
      "set deb\nset vc\nset nosea\nset norec\nset retry=7\nset timeout=3\nset port=99\n"
      "set ndots=4\nset do=a.b\nset cl=ch\nset ty=aaaa\nset d2\nset all\n",
      "set nod\nset nodebug\nset novc\nset search\nset rec\nset nofail\nset all\n",
      "server 127.0.0.1\nset all\nserver\nlserver 127.0.0.1\nwiki.python.org\n",
      "help\n?\nroot\nls x\nview\nfinger x\nHELP\n",
      "set\nset foo\nset d\nset de\nset no\nset q\nset type\n",
      "\n   \n\tset\ttype=txt\t\nwiki.python.org\r\nEXIT\nwiki.python.org\n",
      "wiki.python.org\nset type=aaaa\nwiki.python.org\n192.0.2.80\nset type=ptr\n"
      "80.2.0.192.in-addr.arpa\n",
      "nothere.python.org\nwiki.python.org\n",
      "broken.python.org\n",
      "a..b\nwiki.python.org\n",
      "server no_such_host.invalid\nwiki.python.org\n",
      "wiki.python.org extra words\nexit now\nwiki.python.org\n",
      "set debug\npython.org\nset nodebug\npython.org",
      "set domain=python.org\nwiki\nnope\nset nosearch\nwiki\nset defname\nwiki\nset nodef\nwiki\n",
      "set type=bogus\nset class=bogus\nset port=x\nset timeout=\nset retry=99999999999\n"
      "set ndots=129\nset all\n",
      "set vc\nlarge.python.org\nset type=txt\nlarge.python.org\nset novc\nlarge.python.org\n",
      "set port=1\nset retry=1\nwiki.python.org\n",
  };
  auto const server = dns_server(real_backends.front());
  for (auto const& session : sessions) check_as_bind({}, asking(server, {"-"}), session);
  check_as_bind({}, asking(server, {"-type=mx", "-debug", "-"}), "python.org\n");
}
