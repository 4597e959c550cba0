// What the system says: which servers to ask (resolv.conf(5)) and what a host's addresses are.
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <memory>
#include <span>
#include <sstream>

#include <fmt/format.h>

#include "nslookup/settings.hpp"

namespace nslookup {

namespace {

namespace net = weft::net;

constexpr auto resolv_conf = "/etc/resolv.conf";
constexpr std::size_t servers_max = 3;
constexpr std::size_t search_list_max = 8;

[[noreturn]] void fail() { throw fatal_error(fmt::format("parse of {} failed", resolv_conf), 1); }

bool has_family(int family) {
  int const fd = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

net::address from(in_addr const& address) {
  return net::address::v4(std::as_bytes(std::span<in_addr const, 1>(&address, 1)));
}

std::uint8_t option_number(std::string_view text) {
  std::uint8_t number = 0;
  auto const [read_to, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || read_to != text.data() + text.size()) fail();
  return number;
}

void read_options(settings& read, std::istringstream& words) {
  for (std::string word; words >> word;) {
    std::string_view const text = word;
    if (text.starts_with("ndots:"))
      read.ndots = option_number(text.substr(6));
    else if (text.starts_with("attempts:"))
      read.tries = option_number(text.substr(9));
    else if (text.starts_with("timeout:"))
      read.timeout_seconds = option_number(text.substr(8));
  }
}

void add_server(settings& read, std::istringstream& words) {
  std::string word;
  std::string rest;
  words >> word;
  auto address = net::address::try_parse(word);
  if (in_addr old{}; !address && ::inet_aton(word.c_str(), &old) == 1) address = from(old);
  if (!address || words >> rest) fail();
  if (read.servers.size() == servers_max) return;
  if (*address == net::address::any_v4()) address = net::address::loopback_v4();
  read.servers.push_back({*address, address->to_string()});
}

void read_line(settings& read, std::string const& line) {
  std::istringstream words(line.substr(0, line.find_first_of(";#")));
  std::string keyword;
  words >> keyword;
  if (keyword == "nameserver") {
    add_server(read, words);
  } else if (keyword == "domain" || keyword == "search") {
    // The last line of either kind counts.
    read.search_list.clear();
    std::size_t const max = keyword == "domain" ? 1 : search_list_max;
    for (std::string domain; words >> domain && read.search_list.size() < max;)
      read.search_list.push_back(domain);
    if (read.search_list.empty()) fail();
  } else if (keyword == "options") {
    read_options(read, words);
  }
}

}  // namespace

settings system_settings() {
  settings read;
  std::ifstream file(resolv_conf);
  if (!file && errno != ENOENT) fail();
  for (std::string line; std::getline(file, line);) read_line(read, line);
  if (read.tries == 0) read.tries = 3;

  bool const has_v4 = has_family(AF_INET);
  bool const has_v6 = has_family(AF_INET6);
  std::erase_if(read.servers,
                [&](server const& each) { return each.address.is_v4() ? !has_v4 : !has_v6; });
  if (read.servers.empty()) {
    if (has_v6) read.servers.push_back({net::address::loopback_v6(), "::1"});
    if (has_v4) read.servers.push_back({net::address::loopback_v4(), "127.0.0.1"});
  }
  return read;
}

std::vector<net::address> system_addresses(std::string const& host) {
  if (auto const address = net::address::try_parse(host)) return {*address};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* first = nullptr;
  int const error = ::getaddrinfo(host.c_str(), nullptr, &hints, &first);
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> const owner(first, &::freeaddrinfo);
  std::vector<net::address> found;
  for (auto const* each = first; error == 0 && each != nullptr; each = each->ai_next) {
    if (each->ai_family == AF_INET) {
      auto const* const at = reinterpret_cast<sockaddr_in const*>(each->ai_addr);
      found.push_back(from(at->sin_addr));
    } else if (each->ai_family == AF_INET6) {
      auto const* const at = reinterpret_cast<sockaddr_in6 const*>(each->ai_addr);
      found.push_back(net::address::v6(
          std::as_bytes(std::span<in6_addr const, 1>(&at->sin6_addr, 1)), at->sin6_scope_id));
    }
  }
  bool const unknown = error == 0 || error == EAI_NONAME || error == EAI_NODATA;
  if (found.empty())
    throw fatal_error(
        fmt::format("couldn't get address for '{}': {}", host, unknown ? "not found" : "failure"),
        1);
  return found;
}

}  // namespace nslookup
