// See finding.hpp.
#include "dns/finding.hpp"

#include <algorithm>
#include <unordered_map>

#include "dns/name.hpp"
#include "dns/wire_reader.hpp"

namespace weft::inline v0::detail {

namespace {

using namespace std::chrono_literals;
using net::dns::errc;
using net::dns::message;
using net::dns::question;
using net::dns::record;
using net::dns::type;

// How long answers are kept at most. RFC 2308 advises hours for those that say no.
constexpr std::chrono::seconds kept_max = 24h;
constexpr std::chrono::seconds none_kept_max = 3h;

// The aliases of a message, by the name that they are for.
using alias_table = std::unordered_map<std::string, record const*>;

alias_table aliases_in(message const& said, question const& asked) {
  alias_table table;
  if (asked.type == type::cname || asked.type == type::any) return table;
  for (record const& one : said.answers)
    if (one.type == type::cname && one.record_class == asked.record_class)
      table.try_emplace(name_key(one.name), &one);
  return table;
}

bool matches(record const& one, question const& asked, std::string_view name) {
  return (one.type == asked.type || asked.type == type::any) &&
         one.record_class == asked.record_class && has_same_key(one.name, name);
}

// The one that says how long there will be nothing; null if there is none.
record const* authority_in(message const& said) {
  auto const found = std::ranges::find(said.authorities, type::soa, &record::type);
  return found != said.authorities.end() ? &*found : nullptr;
}

std::chrono::seconds minimum_of(record const& soa) {
  wire_reader last_field(std::span(soa.rdata).last(4));
  return std::chrono::seconds(last_field.u32("the minimum of an SOA record"));
}

std::chrono::seconds holds_for(message const& said, bool is_none) {
  auto shortest = is_none ? none_kept_max : kept_max;
  for (record const& one : said.answers) shortest = std::min(shortest, one.ttl);
  if (!is_none) return shortest;
  record const* const soa = authority_in(said);
  if (soa == nullptr || soa->rdata.size() < 4) return 0s;
  return std::min({shortest, soa->ttl, minimum_of(*soa)});
}

}  // namespace

finding find(message const& said, question const& asked, unsigned& followed) {
  finding found;
  found.name = asked.name;
  auto const aliases = aliases_in(said, asked);
  bool is_alias = false;
  auto const alias_of = [&aliases](std::string_view name) {
    return aliases.empty() ? aliases.end() : aliases.find(name_key(name));
  };
  for (auto alias = alias_of(found.name); alias != aliases.end(); alias = alias_of(found.name)) {
    if (++followed > aliases_max) {
      found.none = errc::cname_loop;
      return found;
    }
    found.name = alias->second->data;
    is_alias = true;
  }
  for (record const& one : said.answers)
    if (matches(one, asked, found.name)) found.records.push_back(one);
  if (found.records.empty()) {
    bool const is_nxdomain = said.rcode == net::dns::rcode::nxdomain;
    found.none = is_nxdomain ? errc::nxdomain : errc::nodata;
    found.is_open = is_alias && !is_nxdomain && authority_in(said) == nullptr;
  }
  found.holds_for = holds_for(said, found.none.has_value());
  return found;
}

}  // namespace weft::inline v0::detail
