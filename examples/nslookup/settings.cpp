#include "nslookup/settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <limits>

#include <fmt/format.h>

#include "nslookup/record_types.hpp"

namespace nslookup {

namespace {

bool starts_with_in_any_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equal_in_any_case(text.substr(0, prefix.size()), prefix);
}

// A number as BIND reads one for an option; none, and a complaint, for what is none.
std::optional<std::uint32_t> parse_number(settings const& given, std::string_view what,
                                          std::string_view text, std::uint32_t max) {
  std::uint32_t number = 0;
  auto const end = text.data() + text.size();
  auto const [read_to, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool const is_number = error != std::errc::invalid_argument && read_to == end;
  if (is_number && error == std::errc() && number <= max) return number;
  fmt::print(given.talk, "invalid {} '{}': {}\n", what, text,
             is_number ? "out of range" : "not a valid number");
  return std::nullopt;
}

void set_type(settings& changed, std::string_view name) {
  if (!parse_type(name)) {
    fmt::print(changed.talk, "unknown query type: {}\n", name);
    return;
  }
  changed.type_name = name;
  changed.asks_both = false;
}

void set_class(settings& changed, std::string_view name) {
  if (parse_class(name))
    changed.class_name = name;
  else
    fmt::print(changed.talk, "unknown query class: {}\n", name);
}

void set_domain(settings& changed, std::string_view name) {
  changed.search_list = {std::string(name)};
  changed.use_search = true;
}

void set_port(settings& changed, std::string_view text) {
  if (auto const number = parse_number(changed, "port", text, 65'535))
    changed.port = static_cast<std::uint16_t>(*number);
}

void set_timeout(settings& changed, std::string_view text) {
  if (auto const number =
          parse_number(changed, "timeout", text, std::numeric_limits<std::uint32_t>::max()))
    changed.timeout_seconds = *number;
}

void set_tries(settings& changed, std::string_view text) {
  if (auto const number = parse_number(changed, "tries", text, std::numeric_limits<int>::max()))
    changed.tries = static_cast<int>(*number);
}

void set_ndots(settings& changed, std::string_view text) {
  if (auto const number = parse_number(changed, "ndots", text, 128))
    changed.ndots = static_cast<int>(*number);
}

void set_tcp(settings& changed, bool on) {
  changed.use_tcp = on;
  changed.tcp_was_chosen = true;
}

void show_all(settings const& shown) {
  show_servers(shown, true);
  fmt::print(shown.talk, "\nSet options:\n");
  fmt::print(shown.talk, "  {}\t\t\t{}\t\t{}\n", shown.use_tcp ? "vc" : "novc",
             shown.debug ? "debug" : "nodebug", shown.d2 ? "d2" : "nod2");
  fmt::print(shown.talk, "  {}\t\t{}\n", shown.use_search ? "search" : "nosearch",
             shown.recurse ? "recurse" : "norecurse");
  fmt::print(shown.talk, "  timeout = {}\t\tretry = {}\tport = {}\tndots = {}\n",
             shown.timeout_seconds, shown.tries, shown.port, shown.ndots);
  fmt::print(shown.talk, "  querytype = {:<8}\tclass = {}\n", shown.type_name, shown.class_name);
  fmt::print(shown.talk, "  srchlist = {}\n", fmt::join(shown.search_list, "/"));
}

// An option with a value, by each of the names that BIND has for it.
struct valued_option {
  std::string_view prefix;
  void (*set)(settings&, std::string_view);
};

constexpr auto valued_options = std::to_array<valued_option>({
    {"class=", set_class},
    {"cl=", set_class},
    {"type=", set_type},
    {"ty=", set_type},
    {"querytype=", set_type},
    {"query=", set_type},
    {"qu=", set_type},
    {"q=", set_type},
    {"domain=", set_domain},
    {"do=", set_domain},
    {"port=", set_port},
    {"po=", set_port},
    {"timeout=", set_timeout},
    {"t=", set_timeout},
    {"retry=", set_tries},
    {"ret=", set_tries},
    {"ndots=", set_ndots},
});

// An option that is a word, of which at least so many letters must be there.
struct word_option {
  std::string_view word;
  std::size_t letters_min;
  void (*set)(settings&);
};

constexpr auto word_options = std::to_array<word_option>({
    {"all", 3, [](settings& s) { show_all(s); }},
    {"recurse", 3, [](settings& s) { s.recurse = true; }},
    {"norecurse", 5, [](settings& s) { s.recurse = false; }},
    {"defname", 3, [](settings& s) { s.use_search = true; }},
    {"nodefname", 5, [](settings& s) { s.use_search = false; }},
    {"vc", 2, [](settings& s) { set_tcp(s, true); }},
    {"novc", 4, [](settings& s) { set_tcp(s, false); }},
    {"debug", 3, [](settings& s) { s.debug = true; }},
    {"nodebug", 5, [](settings& s) { s.debug = false; }},
    {"d2", 2, [](settings& s) { s.d2 = true; }},
    {"nod2", 4, [](settings& s) { s.d2 = false; }},
    {"search", 3, [](settings& s) { s.use_search = true; }},
    {"nosearch", 5, [](settings& s) { s.use_search = false; }},
    {"sil", 3, [](settings&) {}},
    {"fail", 3, [](settings& s) { s.goes_on_at_servfail = false; }},
    {"nofail", 5, [](settings& s) { s.goes_on_at_servfail = true; }},
});

}  // namespace

void set_option(settings& changed, std::string_view option) {
  for (auto const& [prefix, set] : valued_options)
    if (starts_with_in_any_case(option, prefix)) return set(changed, option.substr(prefix.size()));
  for (auto const& [word, letters_min, set] : word_options)
    if (option.size() >= letters_min && starts_with_in_any_case(word, option)) return set(changed);
  fmt::print(changed.talk, "*** Invalid option: {}\n", option);
}

void show_servers(settings const& shown, bool all) {
  for (auto const& each : shown.servers) {
    fmt::print(shown.talk, "Default server: {}\nAddress: {}\n", each.called,
               endpoint_text(shown.endpoint_of(each)));
    if (!all) return;
  }
}

void set_server(settings& changed, std::string const& host,
                std::vector<weft::net::address> const& found) {
  changed.servers.clear();
  for (auto const& each : found) changed.servers.push_back({each, host});
  changed.needs_recursion = false;
}

std::string endpoint_text(weft::net::endpoint const& shown) {
  return fmt::format("{}#{}", shown.address().to_string(), shown.port());
}

}  // namespace nslookup
