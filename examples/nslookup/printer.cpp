#include "nslookup/printer.hpp"

#include <array>
#include <cstdio>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "nslookup/names.hpp"
#include "nslookup/record_text.hpp"
#include "nslookup/record_types.hpp"

namespace nslookup {

namespace {

// What stands before the data of a record; later types have their number only.
constexpr std::array<std::string_view, 42> introductions{"rtype_0 = ",
                                                         "internet address = ",
                                                         "nameserver = ",
                                                         "md = ",
                                                         "mf = ",
                                                         "canonical name = ",
                                                         "soa = ",
                                                         "mb = ",
                                                         "mg = ",
                                                         "mr = ",
                                                         "rtype_10 = ",
                                                         "protocol = ",
                                                         "name = ",
                                                         "hinfo = ",
                                                         "minfo = ",
                                                         "mail exchanger = ",
                                                         "text = ",
                                                         "rp = ",
                                                         "afsdb = ",
                                                         "x25 address = ",
                                                         "isdn address = ",
                                                         "rt = ",
                                                         "nsap = ",
                                                         "nsap_ptr = ",
                                                         "signature = ",
                                                         "key = ",
                                                         "px = ",
                                                         "gpos = ",
                                                         "has AAAA address ",
                                                         "loc = ",
                                                         "next = ",
                                                         "rtype_31 = ",
                                                         "rtype_32 = ",
                                                         "service = ",
                                                         "rtype_34 = ",
                                                         "naptr = ",
                                                         "kx = ",
                                                         "cert = ",
                                                         "v6 address = ",
                                                         "dname = ",
                                                         "rtype_40 = ",
                                                         "optional = "};

constexpr std::array<std::string_view, 17> rcodes{
    "NOERROR",    "FORMERR",    "SERVFAIL",   "NXDOMAIN",   "NOTIMP",  "REFUSED",
    "YXDOMAIN",   "YXRRSET",    "NXRRSET",    "NOTAUTH",    "NOTZONE", "RESERVED11",
    "RESERVED12", "RESERVED13", "RESERVED14", "RESERVED15", "BADVERS"};

std::string rcode_text(dns::rcode code) {
  auto const number = static_cast<std::size_t>(code);
  return number < rcodes.size() ? std::string(rcodes[number]) : fmt::format("?{}", number);
}

std::uint16_t number_of(dns::type type) { return static_cast<std::uint16_t>(type); }

std::string data_text(dns::record const& shown) {
  return record_text(number_of(shown.type), shown.rdata);
}

void print_soa(dns::record const& shown) {
  auto const fields = soa_text(shown.rdata);
  constexpr std::array names{"origin", "mail addr", "serial", "refresh",
                             "retry",  "expire",    "minimum"};
  for (std::size_t i = 0; i < names.size(); ++i) fmt::print("\t{} = {}\n", names[i], fields[i]);
}

void print_data(dns::record const& shown) {
  auto const number = number_of(shown.type);
  if (number < introductions.size())
    fmt::print("{}{}\n", introductions[number], data_text(shown));
  else
    fmt::print("rdata_{} = {}\n", number, data_text(shown));
}

bool is_address(dns::record const& shown) {
  return shown.type == dns::type::a || shown.type == dns::type::aaaa;
}

void print_section(std::vector<dns::record> const& section, bool is_answer) {
  for (auto const& each : section) {
    auto const name = shown_name(each.name);
    if (is_address(each) && is_answer) {
      fmt::print("Name:\t{}\nAddress: {}\n", name, data_text(each));
    } else if (each.type == dns::type::soa && !each.rdata.empty()) {
      fmt::print("{}\n", name);
      print_soa(each);
    } else {
      fmt::print("{}\t", name);
      print_data(each);
    }
  }
}

void print_details(std::string_view title, std::vector<dns::record> const& section) {
  fmt::print("    {}:\n", title);
  for (auto const& each : section) {
    fmt::print("    ->  {}\n", shown_name(each.name));
    if (each.type == dns::type::soa) {
      print_soa(each);
    } else {
      fmt::print("\t");
      print_data(each);
    }
    fmt::print("\tttl = {}\n", each.ttl.count());
  }
}

void print_all_sections(dns::message const& answer) {
  fmt::print("------------\n    QUESTIONS:\n");
  for (auto const& each : answer.questions)
    fmt::print("\t{}, type = {}, class = {}\n", shown_name(each.name),
               type_text(number_of(each.type)),
               class_text(static_cast<std::uint16_t>(each.record_class)));
  print_details("ANSWERS", answer.answers);
  print_details("AUTHORITY RECORDS", answer.authorities);
  print_details("ADDITIONAL RECORDS", answer.additionals);
  fmt::print("------------\n");
}

void print_no_answer(settings const& given, question const& asked, print_state& state) {
  if (given.asks_both && asked.type == dns::type::a)
    state.had_no_a = true;
  else if (!given.asks_both || (asked.type == dns::type::aaaa && state.had_no_a))
    fmt::print("*** Can't find {}: No answer\n", asked.text);
}

}  // namespace

void print_answer(settings const& given, question const& asked, std::string const& name,
                  server const& from, dns::message const& answer, print_state& state) {
  bool const is_first = !given.asks_both || asked.type == dns::type::a;
  if (is_first)
    fmt::print("Server:\t\t{}\nAddress:\t{}\n\n", from.called,
               endpoint_text(given.endpoint_of(from)));
  if (given.debug) print_all_sections(answer);
  if (answer.rcode != dns::rcode::noerror) {
    fmt::print("** server can't find {}: {}\n", shown_name(name), rcode_text(answer.rcode));
    return;
  }
  if (!answer.aa && is_first) fmt::print("Non-authoritative answer:\n");
  if (!answer.answers.empty())
    print_section(answer.answers, true);
  else
    print_no_answer(given, asked, state);
  if (!answer.aa && asked.type != dns::type::a && asked.type != dns::type::aaaa) {
    fmt::print("\nAuthoritative answers can be found from:\n");
    print_section(answer.authorities, false);
    print_section(answer.additionals, false);
  }
}

}  // namespace nslookup
