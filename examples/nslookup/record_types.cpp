#include "nslookup/record_types.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace nslookup {

namespace {

constexpr std::array types{
    record_type{1, "A", "4"},
    record_type{2, "NS", "n"},
    record_type{3, "MD", "n"},
    record_type{4, "MF", "n"},
    record_type{5, "CNAME", "n"},
    record_type{6, "SOA", "nnwwwww"},
    record_type{7, "MB", "n"},
    record_type{8, "MG", "n"},
    record_type{9, "MR", "n"},
    record_type{10, "NULL", ""},
    record_type{11, "WKS", "4bW"},
    record_type{12, "PTR", "n"},
    record_type{13, "HINFO", "ss"},
    record_type{14, "MINFO", "nn"},
    record_type{15, "MX", "hn"},
    record_type{16, "TXT", "S"},
    record_type{17, "RP", "nn"},
    record_type{18, "AFSDB", "hn"},
    record_type{19, "X25", "s"},
    record_type{20, "ISDN", "S"},
    record_type{21, "RT", "hn"},
    record_type{22, "NSAP", "N"},
    record_type{23, "NSAP-PTR", "n"},
    record_type{24, "SIG", "tbbwTThnm"},
    record_type{25, "KEY", "hbbm"},
    record_type{26, "PX", "hnn"},
    record_type{27, "GPOS", "sss"},
    record_type{28, "AAAA", "6"},
    record_type{29, "LOC", "L"},
    record_type{30, "NXT", "nO"},
    record_type{31, "EID", "x"},
    record_type{32, "NIMLOC", "x"},
    record_type{33, "SRV", "hhhn"},
    record_type{34, "ATMA", "D"},
    record_type{35, "NAPTR", "hhsssn"},
    record_type{36, "KX", "hn"},
    record_type{37, "CERT", "cham"},
    record_type{38, "A6", "F"},
    record_type{39, "DNAME", "n"},
    record_type{40, "SINK", "bbbm"},
    record_type{41, "OPT", ""},
    record_type{42, "APL", "I"},
    record_type{43, "DS", "hbbx"},
    record_type{44, "SSHFP", "bbx"},
    record_type{45, "IPSECKEY", "Gm"},
    record_type{46, "RRSIG", "tbbwTThnm"},
    record_type{47, "NSEC", "nM"},
    record_type{48, "DNSKEY", "hbbm"},
    record_type{49, "DHCID", "m"},
    record_type{50, "NSEC3", "bbhpBM"},
    record_type{51, "NSEC3PARAM", "bbhp"},
    record_type{52, "TLSA", "bbbx"},
    record_type{53, "SMIMEA", "bbbx"},
    record_type{55, "HIP", "H"},
    record_type{56, "NINFO", "S"},
    record_type{57, "RKEY", "hbbm"},
    record_type{58, "TALINK", "nn"},
    record_type{59, "CDS", "hbbx"},
    record_type{60, "CDNSKEY", "hbbm"},
    record_type{61, "OPENPGPKEY", "m"},
    record_type{62, "CSYNC", "whM"},
    record_type{63, "ZONEMD", "wbbx"},
    record_type{64, "SVCB", "hnP"},
    record_type{65, "HTTPS", "hnP"},
    record_type{66, "DSYNC", "tdhn"},
    record_type{67, "HHIT", "m"},
    record_type{68, "BRID", "m"},
    record_type{99, "SPF", "S"},
    record_type{100, "UINFO", ""},
    record_type{101, "UID", ""},
    record_type{102, "GID", ""},
    record_type{103, "UNSPEC", ""},
    record_type{104, "NID", "hl"},
    record_type{105, "L32", "h4"},
    record_type{106, "L64", "hl"},
    record_type{107, "LP", "hn"},
    record_type{108, "EUI48", "E"},
    record_type{109, "EUI64", "E"},
    record_type{249, "TKEY", ""},
    record_type{250, "TSIG", ""},
    record_type{251, "IXFR", ""},
    record_type{252, "AXFR", ""},
    record_type{253, "MAILB", ""},
    record_type{254, "MAILA", ""},
    record_type{255, "ANY", ""},
    record_type{256, "URI", "hhq"},
    record_type{257, "CAA", "buq"},
    record_type{258, "AVC", "S"},
    record_type{259, "DOA", "wwbsA"},
    record_type{260, "AMTRELAY", "R"},
    record_type{261, "RESINFO", "S"},
    record_type{262, "WALLET", "S"},
    record_type{32768, "TA", "hbbx"},
    record_type{32769, "DLV", "hbbx"},
    record_type{65533, "KEYDATA", ""},
};
static_assert(std::ranges::is_sorted(types, {}, &record_type::number));

constexpr std::array<std::pair<std::string_view, std::uint16_t>, 8> classes{{
    {"RESERVED0", 0},
    {"IN", 1},
    {"CH", 3},
    {"CHAOS", 3},
    {"HS", 4},
    {"HESIOD", 4},
    {"NONE", 254},
    {"ANY", 255},
}};

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

// The number after a prefix, of five digits at most: TYPE65280.
std::optional<std::uint16_t> parse_numbered(std::string_view prefix, std::string_view text) {
  if (!equal_in_any_case(text.substr(0, prefix.size()), prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  if (text.size() > 5) return std::nullopt;
  std::uint16_t number = 0;
  auto const end = text.data() + text.size();
  auto const [read_to, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || read_to != end) return std::nullopt;
  return number;
}

}  // namespace

bool equal_in_any_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

record_type const* find_type(std::uint16_t number) {
  auto const found = std::ranges::lower_bound(types, number, {}, &record_type::number);
  return found != types.end() && found->number == number ? &*found : nullptr;
}

std::optional<std::uint16_t> parse_type(std::string_view text) {
  for (auto const& each : types)
    if (equal_in_any_case(each.name, text)) return each.number;
  return parse_numbered("TYPE", text);
}

std::optional<std::uint16_t> parse_class(std::string_view text) {
  for (auto const& [name, number] : classes)
    if (equal_in_any_case(name, text)) return number;
  return parse_numbered("CLASS", text);
}

std::string type_text(std::uint16_t number) {
  auto const* const known = find_type(number);
  return known != nullptr ? std::string(known->name) : "TYPE" + std::to_string(number);
}

std::string class_text(std::uint16_t number) {
  auto const found =
      std::ranges::find(classes, number, &std::pair<std::string_view, std::uint16_t>::second);
  return found != classes.end() ? std::string(found->first) : "CLASS" + std::to_string(number);
}

}  // namespace nslookup
