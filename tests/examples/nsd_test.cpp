// nslookup against BIND's once more, and this time a real name server, NSD, answers.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <thread>

#include "examples/bind.hpp"

#include <doctest/doctest.h>

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto nsd_path = "/usr/sbin/nsd";

bool has_nsd() {
  bool const is_there = ::access(nsd_path, X_OK) == 0;
  if (!is_there) MESSAGE("skipped: there is no ", nsd_path, " here (Debian: nsd)");
  return is_there;
}

// Files of its own, gone with it.
class workplace {
 public:
  workplace() : path_((fs::temp_directory_path() / "weft-nsd-XXXXXX").string()) {
    REQUIRE(::mkdtemp(path_.data()) != nullptr);
  }
  ~workplace() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  workplace(workplace const&) = delete;
  workplace& operator=(workplace const&) = delete;

  [[nodiscard]] std::string at(std::string const& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// The lines of a zone that NSD objects to; it knows fewer types than ldns.
std::set<std::size_t> refused_lines(std::string const& zone, std::string const& path) {
  auto const said = support::program("/usr/sbin/nsd-checkzone", {zone, path}).wait();
  std::set<std::size_t> lines;
  std::istringstream text(said.out + said.err);
  auto const begin = "error: " + path + ":";
  for (std::string line; std::getline(text, line);)
    if (auto const at = line.find(begin); at != std::string::npos)
      lines.insert(std::stoul(line.substr(at + begin.size())));
  return lines;
}

// Copies the zone without those lines, and yields the text of what it left out.
std::string copy_for_nsd(std::string const& zone, fs::path const& from, std::string const& to) {
  auto const refused = refused_lines(zone, from);
  std::ifstream in(from);
  std::ofstream out(to);
  std::string left_out;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    if (refused.contains(++number))
      left_out += line + "\n";
    else
      out << line << '\n';
  }
  return left_out;
}

// NSD with the zones of the examples, on a port that was free a moment ago.
class nsd {
 public:
  nsd() : port_(plain_socket::bind().port()) {
    std::ofstream settings(files_.at("nsd.conf"));
    settings << "server:\n  ip-address: 127.0.0.1\n  port: " << port_ << '\n'
             << "  username: \"\"\n  chroot: \"\"\n  zonesdir: \"\"\n  database: \"\"\n"
             << "  server-count: 1\n  refuse-any: no\n  minimal-responses: no\n"
             << "  rrl-ratelimit: 0\n  rrl-whitelist-ratelimit: 0\n"
             << "  pidfile: \"" << files_.at("pid") << "\"\n  logfile: \"" << files_.at("log")
             << "\"\n  zonelistfile: \"" << files_.at("zones") << "\"\n  xfrdfile: \""
             << files_.at("xfrd") << "\"\n  xfrdir: \"" << files_.at("") << "\"\n"
             << "remote-control:\n  control-enable: no\n";
    for (auto const& each : fs::directory_iterator(zone_path(""))) {
      auto const zone = each.path().stem().string();
      auto const copy = files_.at(zone + ".zone");
      left_out_ += copy_for_nsd(zone, each.path(), copy);
      settings << "zone:\n  name: " << zone << "\n  zonefile: " << copy << "\n";
    }
    settings.close();
    program_ =
        std::make_unique<support::program>(nsd_path, words{"-d", "-c", files_.at("nsd.conf")});
    wait_until_it_listens();
  }

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string const& left_out() const noexcept { return left_out_; }

  void stop() {
    program_->signal(SIGTERM);
    program_->wait();
  }

 private:
  [[nodiscard]] bool listens() const {
    int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(port_);
    bool const connected = ::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
    ::close(fd);
    return connected;
  }

  // It does not say so itself.
  void wait_until_it_listens() const {
    auto const give_up = std::chrono::steady_clock::now() + 60s;
    while (!listens()) {
      REQUIRE(std::chrono::steady_clock::now() < give_up);
      std::this_thread::sleep_for(5ms);
    }
  }

  workplace files_;
  std::uint16_t port_;
  std::string left_out_;
  std::unique_ptr<support::program> program_;
};

words asking(nsd const& server, words const& given) {
  words all{"-port=" + std::to_string(server.port())};
  all.insert(all.end(), given.begin(), given.end());
  all.emplace_back("127.0.0.1");
  return all;
}

// Each name in the zone of types with the type that it has.
std::vector<words> every_type(std::string const& left_out) {
  std::vector<words> cases;
  std::ifstream file(zone_path("types.example.zone"));
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string name;
    std::string in;
    std::string type;
    fields >> name >> in >> type;
    bool const is_one = in == "IN" && name != "@" && name.find('.') == std::string::npos;
    if (is_one && left_out.find(line) == std::string::npos)
      cases.push_back({"-type=" + type, name + ".types.example"});
  }
  return cases;
}

}  // namespace

TEST_CASE("nslookup prints what NSD answers as BIND's does") {
  if (!has_bind() || !has_nsd()) return;
  nsd server;
  MESSAGE("NSD does not know:\n", server.left_out());
  auto cases = every_type(server.left_out());
  CHECK(cases.size() > 80);
  for (std::string const name :
       {"python.org", "www.python.org", "nothere.python.org", "pypi.python.org", "loop.python.org",
        "gone.python.org", "x.wild.python.org", "b.deep.python.org", "wiki.python.org",
        "large.python.org", "sub.python.org", "x.old.python.org", "many.python.org", "example.com",
        "MIXEDcase.python.org"})
    for (std::string const option :
         {"-sil", "-type=any", "-type=mx", "-type=txt", "-debug", "-vc", "-type=soa"})
      cases.push_back({option, name});
  for (std::string const address : {"192.0.2.80", "192.0.2.99", "2001:db8::53", "203.0.113.1"})
    cases.push_back({address});
  for (auto const& each : cases) check_as_bind({}, asking(server, each));

  words const session{"-port=" + std::to_string(server.port()), "-", "127.0.0.1"};
  check_as_bind({}, session, "set q=mx\npython.org\nexit\n");
  check_as_bind({}, session,
                "set debug\npython.org\nset nodebug\nset vc\nset q=txt\nwiki.python.org\n"
                "set q=any\nlarge.python.org\nset q=a\nnothere.python.org\n192.0.2.80\n");
  server.stop();
}
