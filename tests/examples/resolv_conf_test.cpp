// nslookup against BIND's where a resolv.conf(5) of the test's own says whom to ask. That takes a
// mount namespace.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "examples/bind.hpp"

#include <doctest/doctest.h>

namespace {

// A file that a command sees in the place of /etc/resolv.conf.
class other_resolv_conf {
 public:
  explicit other_resolv_conf(std::string const& text) {
    std::string pattern = std::filesystem::temp_directory_path() / "resolv.conf.XXXXXX";
    int const fd = ::mkstemp(pattern.data());
    REQUIRE(fd >= 0);
    ::close(fd);
    path_ = pattern;
    std::ofstream(path_) << text;
  }
  other_resolv_conf(other_resolv_conf const&) = delete;
  other_resolv_conf& operator=(other_resolv_conf const&) = delete;
  ~other_resolv_conf() { std::filesystem::remove(path_); }

  // The words before a program that make it see the file.
  [[nodiscard]] words before() const {
    return {"/usr/bin/unshare",
            "--map-root-user",
            "--mount",
            "/bin/sh",
            "-c",
            R"(mount --bind "$0" /etc/resolv.conf && exec "$@")",
            path_};
  }

  // Whether that works here; else says that a test is skipped.
  [[nodiscard]] bool works() const {
    auto all = before();
    all.emplace_back("/bin/true");
    auto const path = all.front();
    all.erase(all.begin());
    bool const is_there = ::access(path.c_str(), X_OK) == 0;
    bool const is_allowed = is_there && support::program(path, all).wait().code == 0;
    if (!is_allowed) MESSAGE("skipped: no mount namespace can be had here");
    return is_allowed;
  }

 private:
  std::string path_;
};

void check_with(std::string const& text, std::vector<words> const& cases,
                std::vector<std::string> const& sessions = {}) {
  other_resolv_conf const file(text);
  if (!has_bind() || !file.works()) return;
  auto const server = dns_server(real_backends.front());
  auto const port = "-port=" + std::to_string(server.port());
  for (auto given : cases) {
    given.insert(given.begin(), port);
    check_as_bind(file.before(), given);
  }
  for (auto const& each : sessions) check_as_bind(file.before(), {port}, each);
}

}  // namespace

TEST_CASE("nslookup goes from server to server, and along the search list, as BIND's does") {
  check_with("nameserver 127.0.0.3\nnameserver 127.0.0.1\nsearch python.org types.example\n",
             {{"wiki"},
              {"wiki.python.org"},
              {"t-a"},
              {"nope"},
              {"-debug", "t-a"},
              {"-vc", "wiki"},
              {"-retry=1", "wiki"},
              {"-retry=1", "-vc", "wiki"},
              {"broken"},
              {"-timeout=1", "-retry=2", "silent"},
              {"-timeout=1", "-retry=1", "-vc", "silent"}},
             {"set all\nwiki\nserver\nwiki\nserver 127.0.0.1\nwiki\nset all\n"});
}

TEST_CASE("nslookup complains of servers that do not recurse as BIND's does") {
  check_with("nameserver 127.0.0.1\nnameserver 127.0.0.3\n", {{"wiki.python.org"},
                                                              {"-norecurse", "wiki.python.org"},
                                                              {"broken.python.org"},
                                                              {"-fail", "broken.python.org"}});
}

TEST_CASE("nslookup reads options of resolv.conf as BIND's does") {
  check_with("nameserver 127.0.0.1\ndomain python.org\noptions ndots:2 timeout:2 attempts:2\n",
             {{"wiki"}, {"x.wild"}}, {"set all\n"});
  check_with("# nothing\n", {}, {"set all\n"});
  check_with("nameserver 127.0.0.1 ; one\nsearch a b c d e f g h i j\noptions attempts:0\n", {},
             {"set all\n"});
  check_with(
      "domain x.example\nsearch python.org\nnameserver 0.0.0.0\nnameserver 127.3\n"
      "nameserver 127.0.0.4\nnameserver 127.0.0.5\nfoo bar\n",
      {}, {"set all\n"});
  check_with("search a..b python.org\nnameserver 127.0.0.1\n", {{"wiki"}});
}

TEST_CASE("nslookup refuses a resolv.conf as BIND's does") {
  for (std::string const text : {"nameserver\n", "nameserver x\n", "nameserver 127.0.0.1 x\n",
                                 "search\n", "domain\n", "options ndots:x\n"})
    check_with(text, {{"wiki.python.org"}});
}
