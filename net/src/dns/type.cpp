// Names of numbers, and numbers from names. Those of types and classes are ldns's own; it spells
// some of the few others in its own way, so these are here.
#include "weft/net/dns/type.hpp"

#include <array>
#include <charconv>
#include <new>
#include <string>

#include <fmt/format.h>

#include "address_text.hpp"
#include "dns/ldns.hpp"

namespace weft::inline v0::net::dns {

namespace {

std::string text_of(detail::ldns_pointer<char> text) {
  if (!text) throw std::bad_alloc();
  return text.get();
}

// Reads a number in decimal, of 16 bits.
std::optional<std::uint16_t> number_in(std::string_view text) {
  std::uint16_t number = 0;
  auto const read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

bool has_prefix(std::string_view text, std::string_view prefix) noexcept {
  if (text.size() < prefix.size()) return false;
  for (std::size_t i = 0; i < prefix.size(); ++i)
    if ((text[i] | 0x20) != (prefix[i] | 0x20)) return false;
  return true;
}

// Reads a name that `known` knows, or the prefix and a number. ldns reads numbers without looking
// at their end and their range, and ends a name at a zero byte.
template <class Known>
std::optional<std::uint16_t> read(std::string_view text, std::string_view prefix, Known known) {
  if (has_prefix(text, prefix)) return number_in(text.substr(prefix.size()));
  if (text.empty() || text.find('\0') != text.npos) return std::nullopt;
  auto const number = static_cast<std::uint16_t>(known(std::string(text).c_str()));
  if (number == 0) return std::nullopt;
  return number;
}

}  // namespace

std::string to_string(type value) {
  return text_of(detail::ldns_pointer<char>(::ldns_rr_type2str(static_cast<ldns_rr_type>(value))));
}

std::string to_string(record_class value) {
  return text_of(
      detail::ldns_pointer<char>(::ldns_rr_class2str(static_cast<ldns_rr_class>(value))));
}

std::string to_string(opcode value) {
  switch (value) {
    case opcode::query: return "QUERY";
    case opcode::iquery: return "IQUERY";
    case opcode::status: return "STATUS";
    case opcode::notify: return "NOTIFY";
    case opcode::update: return "UPDATE";
  }
  return fmt::format("OPCODE{}", static_cast<unsigned>(value));
}

std::string to_string(rcode value) {
  constexpr std::array names{"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
                             "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE"};
  auto const number = static_cast<std::size_t>(value);
  if (number < names.size()) return names[number];
  if (value == rcode::badvers) return "BADVERS";
  return fmt::format("RCODE{}", number);
}

std::optional<type> try_parse_type(std::string_view text) {
  auto const number = read(text, "TYPE", ::ldns_get_rr_type_by_name);
  if (!number) return std::nullopt;
  return static_cast<type>(*number);
}

type parse_type(std::string_view text) {
  if (auto const parsed = try_parse_type(text)) return *parsed;
  detail::throw_unreadable(text, "record type",
                           "write its name, as in MX, or its number, as in TYPE15");
}

std::optional<record_class> try_parse_class(std::string_view text) {
  auto const number = read(text, "CLASS", ::ldns_get_rr_class_by_name);
  if (!number) return std::nullopt;
  return static_cast<record_class>(*number);
}

record_class parse_class(std::string_view text) {
  if (auto const parsed = try_parse_class(text)) return *parsed;
  detail::throw_unreadable(text, "record class",
                           "write its name, as in IN, or its number, as in CLASS1");
}

}  // namespace weft::inline v0::net::dns
