// What nslookup is told about how to ask: by resolv.conf(5), by options on the command line and by
// `set` in a session, which take the same options.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <weft/net/address.hpp>
#include <weft/net/endpoint.hpp>

namespace nslookup {

// Ends the program at once: with the message on stderr, behind the program's name, and that code.
struct fatal_error : std::runtime_error {
  fatal_error(std::string const& message, int exit_code)
      : std::runtime_error(message), code(exit_code) {}
  int code;
};

struct server {
  weft::net::address address;
  std::string called;  // as it was named, which is what is printed
};

// Those that have no initial value here come from the system.
struct settings {
  std::vector<server> servers;
  std::vector<std::string> search_list;
  int ndots = 1;
  std::uint32_t timeout_seconds = 0;  // 0: 5, or 10 over TCP
  int tries = 3;                      // for each question, of all servers together
  std::uint16_t port = 53;

  std::string type_name = "A";
  std::string class_name = "IN";
  bool asks_both = true;  // A, then AAAA; until a type is chosen
  bool use_search = true;
  bool recurse = true;
  bool use_tcp = false;
  bool tcp_was_chosen = false;
  bool debug = false;  // print all sections
  bool d2 = false;     // only shown; what BIND says about its own insides is not
  bool goes_on_at_servfail = true;
  std::FILE* talk = stdout;     // all that is no answer; stderr when those are JSON
  bool needs_recursion = true;  // until a server is named: complain of one that does not recurse

  // Where to ask that server.
  [[nodiscard]] weft::net::endpoint endpoint_of(server const& asked) const {
    return {asked.address, port};
  }

  [[nodiscard]] std::chrono::seconds timeout(bool is_tcp) const {
    if (timeout_seconds != 0) return std::chrono::seconds(timeout_seconds);
    return std::chrono::seconds(is_tcp ? 10 : 5);
  }
};

// As /etc/resolv.conf says. Throws fatal_error for one that cannot be read.
settings system_settings();

// Takes an option without its dash: "type=mx", "vc", "nodeb". What has only two forms may be cut
// short. Prints what "all" asks for, and complaints.
void set_option(settings& changed, std::string_view option);

// Prints the servers, or the first one alone.
void show_servers(settings const& shown, bool all);

// Asks these from now on: the addresses that the system knows for the host. Throws fatal_error when
// there are none.
void set_server(settings& changed, std::string const& host,
                std::vector<weft::net::address> const& found);

// The addresses of a host, as the system knows them; blocks. Throws fatal_error.
std::vector<weft::net::address> system_addresses(std::string const& host);

// As BIND prints endpoints: 127.0.0.1#53.
std::string endpoint_text(weft::net::endpoint const& shown);

}  // namespace nslookup
