#include "dns_server/zone.hpp"

// ldns defines bool as a macro unless this came first.
#include <stdbool.h>  // NOLINT(modernize-deprecated-headers)

#include <ldns/ldns.h>
#include <sys/stat.h>
#undef bool
#undef true
#undef false

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>

#include <fmt/format.h>

namespace dns_server {

namespace {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* held) const {
    Free(held);
  }
};

using file = std::unique_ptr<std::FILE, freed_by<std::fclose>>;
using ldns_zone_owner = std::unique_ptr<ldns_zone, freed_by<ldns_zone_deep_free>>;
using ldns_bytes = std::unique_ptr<std::uint8_t, freed_by<std::free>>;

std::string text_of(ldns_rdf const* field) {
  std::unique_ptr<char, freed_by<std::free>> const text(ldns_rdf2str(field));
  return text != nullptr ? text.get() : "";
}

// ldns takes the name in an NSAP-PTR record for a string (RFC 1348 does not). So it is read as the
// name in a record that has nothing else.
dns::record from_nsap_ptr(ldns_rr const* record) {
  auto target = text_of(ldns_rr_rdf(record, 0));
  std::erase(target, '"');
  auto read = dns::record::parse(fmt::format("{} {} IN CNAME {}", text_of(ldns_rr_owner(record)),
                                             ldns_rr_ttl(record), target));
  constexpr dns::type nsap_ptr{23};
  read.type = nsap_ptr;
  return read;
}

// Over the wire form, which both sides agree on.
dns::record from_ldns(ldns_rr const* record) {
  if (ldns_rr_get_type(record) == LDNS_RR_TYPE_NSAP_PTR) return from_nsap_ptr(record);
  std::uint8_t* written = nullptr;
  std::size_t size = 0;
  auto const status = ldns_rr2wire(&written, record, LDNS_SECTION_ANSWER, &size);
  ldns_bytes const owner(written);
  if (status != LDNS_STATUS_OK) throw std::runtime_error(ldns_get_errorstr_by_id(status));
  std::vector<std::byte> message(12);  // a header, with the number of answers in it
  message[7] = std::byte{1};
  auto const* const bytes = reinterpret_cast<std::byte const*>(written);
  message.insert(message.end(), bytes, bytes + size);
  return dns::decode(message).answers.at(0);
}

// Where a name leads that the record mentions, at the end of its data (NS, CNAME, MX, SRV, ...).
std::string target_of(dns::record const& record) {
  auto const blank = record.data.rfind(' ');
  return record.data.substr(blank == std::string::npos ? 0 : blank + 1);
}

}  // namespace

std::string key_of(std::string_view name) {
  std::string key(name);
  for (char& letter : key)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return key;
}

std::string_view parent_of(std::string_view name) {
  std::size_t at = 0;
  while (at < name.size() && name[at] != '.') at += name[at] == '\\' ? 2 : 1;
  name.remove_prefix(std::min(at + 1, name.size()));
  return name.empty() ? "." : name;
}

// ---- A zone.

zone zone::load(std::string const& path) {
  file const opened(std::fopen(path.c_str(), "re"));
  if (opened == nullptr)
    throw std::runtime_error(path + ": " + std::generic_category().message(errno));
  struct stat about{};  // ldns would read a directory for ever
  if (::fstat(::fileno(opened.get()), &about) != 0 || S_ISDIR(about.st_mode))
    throw std::runtime_error(path + ": not a file");
  ldns_zone* read = nullptr;
  int line = 0;
  auto const status =
      ldns_zone_new_frm_fp_l(&read, opened.get(), nullptr, 0, LDNS_RR_CLASS_IN, &line);
  if (status != LDNS_STATUS_OK)
    throw std::runtime_error(fmt::format("{}:{}: {}", path, line, ldns_get_errorstr_by_id(status)));
  ldns_zone_owner const owner(read);
  if (ldns_zone_soa(read) == nullptr) throw std::runtime_error(path + ": no SOA record");

  zone loaded;
  auto soa = from_ldns(ldns_zone_soa(read));
  loaded.apex_ = key_of(soa.name);
  loaded.add(std::move(soa));
  auto const* const records = ldns_zone_rrs(read);
  for (std::size_t i = 0; i < ldns_rr_list_rr_count(records); ++i) {
    auto record = from_ldns(ldns_rr_list_rr(records, i));
    if (!loaded.holds(key_of(record.name)))
      throw std::runtime_error(path + ": " + record.name + " is outside of the zone");
    loaded.add(std::move(record));
  }
  return loaded;
}

bool zone::holds(std::string_view key) const {
  for (;; key = parent_of(key)) {
    if (key == apex_) return true;
    if (key == ".") return false;
  }
}

node const* zone::find(std::string_view key) const {
  auto const found = nodes_.find(key);
  return found != nodes_.end() ? &found->second : nullptr;
}

dns::record zone::soa() const {
  auto record = find(apex_)->at(dns::type::soa).front();
  std::chrono::seconds const minimum(std::stoul(target_of(record)));
  record.ttl = std::min(record.ttl, minimum);
  return record;
}

void zone::add(dns::record added) {
  auto const key = key_of(added.name);
  for (std::string_view above = key; above != apex_; above = parent_of(above))
    nodes_.try_emplace(std::string(above));
  nodes_[key][added.type].push_back(std::move(added));
}

// ---- An answer.

namespace {

constexpr int aliases_max = 16;

void append(std::vector<dns::record>& to, std::vector<dns::record> const& records) {
  to.insert(to.end(), records.begin(), records.end());
}

// The alias that a DNAME record makes for a name below it (RFC 6672, section 3.3).
std::optional<dns::record> alias_through(dns::record const& dname, std::string_view name) {
  auto const kept = name.substr(0, name.size() - dname.name.size());
  try {
    return dns::record::parse(
        fmt::format("{} {} IN CNAME {}{}", name, dname.ttl.count(), kept, target_of(dname)));
  } catch (std::invalid_argument const&) {
    return std::nullopt;  // the name becomes too long
  }
}

}  // namespace

// One query on its way from name to name.
struct authority::walk {
  dns::question const& asked;
  dns::message& reply;
  std::string name;  // the one that is looked up now

  // Whether there is another name to look up.
  bool step(zone const& in) {
    if (refer(in)) return false;
    auto const key = key_of(name);
    auto const* found = in.find(key);
    std::string wildcard;
    if (found == nullptr) {
      auto above = parent_of(key);
      while (in.find(above) == nullptr) above = parent_of(above);
      if (redirected(in)) return true;
      wildcard = "*." + std::string(above);
      found = in.find(wildcard);
    } else if (redirected(in)) {
      return true;
    }
    if (reply.rcode != dns::rcode::noerror) return false;
    if (found == nullptr) reply.rcode = dns::rcode::nxdomain;
    return found == nullptr ? nothing(in) : take(in, *found);
  }

 private:
  // The names from below the apex down to that one, from the top.
  [[nodiscard]] std::vector<std::string> path(zone const& in) const {
    std::vector<std::string> names;
    auto const key = key_of(name);
    for (std::string_view at = key; at != in.apex(); at = parent_of(at)) names.emplace_back(at);
    std::ranges::reverse(names);
    return names;
  }

  // A name at or below a delegation is another's.
  bool refer(zone const& in) {
    for (auto const& each : path(in)) {
      auto const* const found = in.find(each);
      if (found == nullptr || !found->contains(dns::type::ns)) continue;
      if (asked.type == dns::type::ds && each == key_of(name)) continue;
      reply.aa = reply.aa && !reply.answers.empty();
      append(reply.authorities, found->at(dns::type::ns));
      return true;
    }
    return false;
  }

  // Whether a DNAME above the name leads to another one, or would if that were a name.
  bool redirected(zone const& in) {
    auto names = path(in);
    if (!names.empty()) names.pop_back();
    names.insert(names.begin(), in.apex());
    if (key_of(name) == in.apex()) return false;
    for (auto const& each : names) {
      auto const* const found = in.find(each);
      if (found == nullptr || !found->contains(dns::type::dname)) continue;
      auto const& dname = found->at(dns::type::dname).front();
      reply.answers.push_back(dname);
      auto alias = alias_through(dname, name);
      if (!alias) {
        reply.rcode = dns::rcode::yxdomain;
        return false;
      }
      name = target_of(*alias);
      reply.answers.push_back(*std::move(alias));
      return true;
    }
    return false;
  }

  bool take(zone const& in, node const& found) {
    if (asked.type == dns::type::any) {
      for (auto const& [type, records] : found) add_answers(records);
      return found.empty() ? nothing(in) : false;
    }
    auto const records = found.find(asked.type);
    if (records != found.end()) {
      add_answers(records->second);
      return false;
    }
    auto const alias = found.find(dns::type::cname);
    if (alias == found.end()) return nothing(in);
    add_answers(alias->second);
    name = target_of(alias->second.front());
    return true;
  }

  // With the name that was asked for, where they are a wildcard's.
  void add_answers(std::vector<dns::record> const& records) {
    for (auto record : records) {
      if (!dns::is_same_name(record.name, name)) record.name = name;
      reply.answers.push_back(std::move(record));
    }
  }

  bool nothing(zone const& in) {
    reply.authorities.push_back(in.soa());
    return false;
  }
};

zone const* authority::zone_of(std::string_view key) const {
  zone const* closest = nullptr;
  for (auto const& each : zones_)
    if (each.holds(key) && (closest == nullptr || each.apex().size() > closest->apex().size()))
      closest = &each;
  return closest;
}

dns::message authority::answer(dns::message const& query) const {
  dns::message reply;
  reply.rd = query.rd;
  reply.questions = query.questions;
  auto const& asked = query.questions.front();
  bool const transfer = asked.type == dns::type::axfr || asked.type == dns::type::ixfr;
  if (asked.record_class != dns::record_class::in || transfer ||
      zone_of(key_of(asked.name)) == nullptr) {
    reply.rcode = dns::rcode::refused;
    return reply;
  }
  reply.aa = true;
  walk walking{asked, reply, asked.name};
  for (int aliases = 0; aliases <= aliases_max; ++aliases) {
    auto const* const in = zone_of(key_of(walking.name));
    if (in == nullptr || !walking.step(*in)) break;
    // One that leads back to where it was ends the chain.
    if (std::ranges::any_of(reply.answers, [&](dns::record const& each) {
          return dns::is_same_name(each.name, walking.name);
        }))
      break;
  }
  add_addresses(reply);
  return reply;
}

// The addresses of the hosts that the records mention, as far as they are here.
void authority::add_addresses(dns::message& reply) const {
  auto const mentions_host = [](dns::record const& each) {
    return each.type == dns::type::ns || each.type == dns::type::mx || each.type == dns::type::srv;
  };
  for (auto const* const section : {&reply.answers, &reply.authorities}) {
    for (auto const& record : *section) {
      if (!mentions_host(record)) continue;
      auto const key = key_of(target_of(record));
      auto const* const in = zone_of(key);
      auto const* const host = in != nullptr ? in->find(key) : nullptr;
      if (host == nullptr) continue;
      for (auto const wanted : {dns::type::a, dns::type::aaaa})
        if (auto const records = host->find(wanted); records != host->end())
          append(reply.additionals, records->second);
    }
  }
}

}  // namespace dns_server
