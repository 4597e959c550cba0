// What a name server knows: zones, as files have them, and what it answers out of them. Nothing
// here waits or touches a socket.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <weft/net/dns/message.hpp>
#include <weft/net/dns/name.hpp>

namespace dns_server {

namespace dns = weft::net::dns;

// The records of one name, by type, in the order of the file.
using node = std::map<dns::type, std::vector<dns::record>>;

class zone {
 public:
  // Reads a zone file (RFC 1035, section 5.1); the zone is that of its SOA record. Throws
  // std::runtime_error with the file, the line and what is wrong.
  static zone load(std::string const& path);

  [[nodiscard]] std::string const& apex() const { return apex_; }
  [[nodiscard]] bool holds(std::string_view key) const;

  // Null when no record is at the name or below it.
  [[nodiscard]] node const* find(std::string_view key) const;

  // For an answer that there is nothing: how long that holds is the lesser of its two times
  // (RFC 2308, section 3).
  [[nodiscard]] dns::record soa() const;

 private:
  void add(dns::record added);

  std::string apex_;
  std::map<std::string, node, std::less<>> nodes_;  // by key; also the names between
};

// The name in lower case, by which it is found.
std::string key_of(std::string_view name);

// The name without its first label; that of a name at the top is ".".
std::string_view parent_of(std::string_view name);

// Answers with what the zones have, as an authority that asks no one else (RFC 1034, section
// 4.3.2): aliases and wildcards are followed, delegations referred, other names refused.
class authority {
 public:
  void serve(zone added) { zones_.push_back(std::move(added)); }

  // A query with one question.
  [[nodiscard]] dns::message answer(dns::message const& query) const;

 private:
  struct walk;

  [[nodiscard]] zone const* zone_of(std::string_view key) const;
  void add_addresses(dns::message& reply) const;

  std::vector<zone> zones_;
};

}  // namespace dns_server
