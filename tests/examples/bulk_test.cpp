// nslookup's own: JSON, many names at once, and terminals.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <set>
#include <sstream>

#include "examples/dns_programs.hpp"
#include "examples/terminal.hpp"
#include "support/temporary_directory.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;

namespace {

support::program::ended run_nslookup(words const& given, std::string_view input = {}) {
  return support::program(support::example("nslookup"), given, input).wait();
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::vector<std::string> lines(std::string const& text) {
  std::vector<std::string> all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

// The time that a question took is the last thing in its line.
std::string without_time(std::string const& line) { return line.substr(0, line.rfind(", \"ms\"")); }

std::string numbered_names(int count) {
  std::string names;
  for (int i = 0; i < count; ++i) names += "n" + std::to_string(i) + ".wild.python.org\n";
  return names;
}

}  // namespace

TEST_CASE("an answer is one JSON object in a line") {
  for (auto const& backend : real_backends) {
    auto const server = dns_server(backend);
    auto const at = R"("server": "127.0.0.1:)" + std::to_string(server.port()) + '"';
    auto const ended = run_nslookup(asking(server, {"--json", "-type=mx", "python.org"}));
    CHECK(ended.code == 0);
    CHECK(ended.err.empty());
    REQUIRE(lines(ended.out).size() == 1);
    CHECK(without_time(lines(ended.out)[0]) ==
          R"({"name": "python.org", "type": "MX", "rcode": "NOERROR", "answers": [)"
          R"({"name": "python.org", "type": "MX", "ttl": 3600, "data": "50 mail.python.org."}], )" +
              at);
    auto const both = run_nslookup(asking(server, {"--json", "www.python.org"}));
    REQUIRE(lines(both.out).size() == 2);
    CHECK(contains(lines(both.out)[0], R"("data": "151.101.72.223")"));
    CHECK(contains(lines(both.out)[1], R"("type": "AAAA")"));
    auto const text = run_nslookup(asking(server, {"--json", "-type=txt", "wiki.python.org"}));
    CHECK(contains(text.out, R"("data": "\"one\" \"two words\" \"three \\\"quoted\\\" \\\\ and )"));
    auto const missing = run_nslookup(asking(server, {"--json", "nothere.python.org"}));
    CHECK(missing.code == 1);
    CHECK(contains(missing.out, R"("rcode": "NXDOMAIN", "answers": [])"));
    auto const silent =
        run_nslookup(asking(server, {"--json", "-timeout=1", "-retry=1", "silent.python.org"}));
    CHECK(silent.code == 1);
    CHECK(contains(silent.out, R"("rcode": "TIMEOUT", "answers": [], "server": null)"));
    CHECK(contains(silent.err, "no servers could be reached"));
  }
}

TEST_CASE("each line of a file is asked for, and a summary told at the end") {
  for (auto const& backend : real_backends) {
    auto const server = dns_server(backend);
    auto given = asking(server, {"--bulk", "-", "-timeout=1", "-retry=1", "-"});
    auto const ended = run_nslookup(given,
                                    "# comment\n\nwiki.python.org\n  python.org \t\r\n192.0.2.80\n"
                                    "nothere.python.org\nexample.com\na..b\nbroken.python.org\n"
                                    "silent.python.org\ncut.python.org\nv6only.python.org");
    CHECK(ended.code == 1);  // since two had no answer
    auto answers = lines(ended.out);
    REQUIRE(answers.size() == 10);
    std::set<std::string> codes;
    for (auto const& each : answers) {
      auto const begin = each.find("\"rcode\": \"") + 10;
      codes.insert(each.substr(10, each.find('"', 10) - 10) + ' ' +
                   each.substr(begin, each.find('"', begin) - begin));
    }
    CHECK(codes == std::set<std::string>{"wiki.python.org NOERROR", "python.org NOERROR",
                                         "192.0.2.80 NOERROR", "nothere.python.org NXDOMAIN",
                                         "example.com REFUSED", "a..b BADNAME",
                                         "broken.python.org SERVFAIL", "silent.python.org TIMEOUT",
                                         "cut.python.org NXDOMAIN", "v6only.python.org NOERROR"});
    CHECK(contains(ended.out, R"("type": "PTR")"));
    for (std::string const line :
         {"10 names in ", "NOERROR            4\n", "NXDOMAIN           2\n",
          "REFUSED            1\n", "SERVFAIL           1\n", "TIMEOUT            1\n",
          "BADNAME            1\n", "latency   p50 "})
      CHECK(contains(ended.err, line));
    CHECK_FALSE(contains(ended.err, "\r"));  // no progress into a pipe
  }
}

TEST_CASE("as many names are asked for at a time as --concurrency says") {
  for (auto const& backend : real_backends) {
    auto const server = dns_server(backend, {"--latency", "200"});
    auto const time_for = [&](std::string const& concurrency) {
      auto const begin = std::chrono::steady_clock::now();
      auto const ended = run_nslookup(
          asking(server, {"--bulk", "-", "--concurrency", concurrency, "-"}), numbered_names(20));
      CHECK(ended.code == 0);
      CHECK(lines(ended.out).size() == 20);
      return std::chrono::steady_clock::now() - begin;
    };
    CHECK(time_for("5") >= 800ms);
    CHECK(time_for("20") < 800ms * 5);  // and not one after the other
  }
}

TEST_CASE("a thousand names wait at a time") {
  for (auto const& backend : real_backends) {
    auto const server = dns_server(backend, {"--latency", "500"});
    auto const begin = std::chrono::steady_clock::now();
    auto const ended = run_nslookup(asking(server, {"--bulk", "-", "-"}), numbered_names(2'000));
    CHECK(ended.code == 0);
    CHECK(lines(ended.out).size() == 2'000);
    CHECK(contains(ended.err, "NOERROR         2000\n"));
    CHECK(std::chrono::steady_clock::now() - begin < 60s);
  }
}

TEST_CASE("no more questions are begun in a second than --qps says") {
  auto const server = dns_server(real_backends.front());
  auto const begin = std::chrono::steady_clock::now();
  auto const ended =
      run_nslookup(asking(server, {"--bulk", "-", "--qps", "50", "-"}), numbered_names(26));
  CHECK(lines(ended.out).size() == 26);
  CHECK(std::chrono::steady_clock::now() - begin >= 500ms);
}

TEST_CASE("what cannot be read of many names is told, and those before it are answered") {
  auto const server = dns_server(real_backends.front());
  support::temporary_directory const here;
  auto const path = here / "names";
  std::ofstream(path) << numbered_names(5) << std::string(70'000, 'x') << "\nlast\n";
  auto const endless = run_nslookup(asking(server, {"--bulk", path, "-"}));
  CHECK(endless.code == 1);
  CHECK(lines(endless.out).size() == 5);
  CHECK(contains(endless.err, "5 names in "));
  CHECK(contains(endless.err, path + ": line 6 has more than 65536 bytes"));
  auto const directory = run_nslookup(asking(server, {"--bulk", "/", "-"}));
  CHECK(directory.code == 1);
  CHECK(directory.out.empty());
  CHECK(contains(directory.err, "nslookup: /: Is a directory\n"));
}

TEST_CASE("where answers are JSON, all else is on stderr") {
  auto const server = dns_server(real_backends.front());
  auto const port = "-port=" + std::to_string(server.port());
  for (words const& given :
       std::vector<words>{{"--json", "-nonsense", "-type=mox", port, "-"},
                          {"--bulk", "-", "-nonsense", "-type=mox", port, "-"}}) {
    words all = given;
    all.push_back("127.0.0.1");
    auto const ended = run_nslookup(all, "wiki.python.org\n");
    CHECK(contains(ended.err, "*** Invalid option: nonsense\nunknown query type: mox\n"));
    for (auto const& line : lines(ended.out)) CHECK(line.starts_with("{\"name\": \"wiki."));
    CHECK_FALSE(ended.out.empty());
  }
  auto const session =
      run_nslookup({"--json", "-"}, "help\nset all\nset port=" + std::to_string(server.port()) +
                                        "\nserver 127.0.0.1\nset q=a\nwiki.python.org\nexit\n");
  CHECK(lines(session.out).size() == 1);
  CHECK(contains(session.err, "Default server: 127.0.0.1"));
  CHECK(contains(session.err, "not yet implemented"));
}

TEST_CASE("bad usage of nslookup's own options is told in one line") {
  for (words const& given : std::vector<words>{{"--bulk"},
                                               {"--concurrency", "0"},
                                               {"--concurrency=x"},
                                               {"--qps", "0"},
                                               {"--json=5"},
                                               {"--backend", "x"},
                                               {"--bulk", "a", "--bulk", "b"}}) {
    auto const ended = run_nslookup(given);
    CAPTURE(given.front());
    CHECK(ended.code == 2);
    CHECK(ended.out.empty());
    CHECK(std::ranges::count(ended.err, '\n') == 1);
    CHECK(contains(ended.err, given.front().substr(0, given.front().find('='))));
  }
  auto const too_small = run_nslookup({"--bulk", "-", "--qps", "1e-300"});
  CHECK(too_small.code == 2);
  CHECK(contains(too_small.err, "--qps"));
  auto const missing = run_nslookup({"--bulk", "/nonexistent/names"});
  CHECK(missing.code == 1);
  CHECK(contains(missing.err, "/nonexistent/names: No such file or directory\n"));
  auto const help = run_nslookup({"--help"});
  CHECK(help.code == 0);
  for (std::string const option : {"--bulk", "--concurrency", "--qps", "--json", "-type="})
    CHECK(contains(help.out, option));
}

TEST_CASE("a terminal gets a prompt, and what a pipe gets besides") {
  for (auto const& backend : real_backends) {
    auto const server = dns_server(backend);
    terminal screen;
    auto given = asking(server, {"--backend", backend, "-type=mx", "-"});
    auto const said = screen.run(support::example("nslookup"), given, "python.org\nexit\n");
    CHECK(contains(said, "\n> "));
    CHECK(contains(said, "python.org\tmail exchanger = 50 mail.python.org.\r\n> "));
  }
}

TEST_CASE("a terminal sees progress while names are asked for, and it is gone at the end") {
  auto const server = dns_server(real_backends.front(), {"--latency", "300"});
  std::string path = "/tmp/weft_names_XXXXXX";
  int const fd = ::mkstemp(path.data());
  REQUIRE(fd >= 0);
  ::close(fd);
  std::ofstream(path) << numbered_names(100);
  terminal screen;
  words given{"-c", R"(exec "$0" "$@" > /dev/null)", support::example("nslookup")};
  for (auto const& each : asking(server, {"--bulk", path, "--concurrency", "20", "-"}))
    given.push_back(each);
  auto const said = screen.run("/bin/sh", given, "");
  ::unlink(path.c_str());
  CHECK(contains(said, "["));
  CHECK(contains(said, " done  "));
  CHECK(contains(said, "/s"));
  CHECK(contains(said, " left"));
  CHECK(contains(said, "\r\x1b[K100 names in "));
}
