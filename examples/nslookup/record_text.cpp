#include "nslookup/record_text.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "nslookup/encodings.hpp"
#include "nslookup/record_types.hpp"

namespace nslookup {

namespace {

std::string v4_text(field_reader& in) { return address_text(AF_INET, in.take(4)); }
std::string v6_text(field_reader& in) { return address_text(AF_INET6, in.take(16)); }

template <std::size_t Size>
std::string mnemonic(unsigned number,
                     std::array<std::pair<unsigned, std::string_view>, Size> const& names) {
  auto const found =
      std::ranges::find(names, number, &std::pair<unsigned, std::string_view>::first);
  return found != names.end() ? std::string(found->second) : std::to_string(number);
}

constexpr auto certificate_kinds =
    std::to_array<std::pair<unsigned, std::string_view>>({{1, "PKIX"},
                                                          {2, "SPKI"},
                                                          {3, "PGP"},
                                                          {4, "IPKIX"},
                                                          {5, "ISPKI"},
                                                          {6, "IPGP"},
                                                          {7, "ACPKIX"},
                                                          {8, "IACPKIX"},
                                                          {253, "URI"},
                                                          {254, "OID"}});

constexpr auto algorithms =
    std::to_array<std::pair<unsigned, std::string_view>>({{1, "RSAMD5"},
                                                          {2, "DH"},
                                                          {3, "DSA"},
                                                          {5, "RSASHA1"},
                                                          {6, "NSEC3DSA"},
                                                          {7, "NSEC3RSASHA1"},
                                                          {8, "RSASHA256"},
                                                          {10, "RSASHA512"},
                                                          {12, "ECCGOST"},
                                                          {13, "ECDSAP256SHA256"},
                                                          {14, "ECDSAP384SHA384"},
                                                          {15, "ED25519"},
                                                          {16, "ED448"},
                                                          {252, "INDIRECT"},
                                                          {253, "PRIVATEDNS"},
                                                          {254, "PRIVATEOID"}});

constexpr auto parameter_keys =
    std::to_array<std::pair<unsigned, std::string_view>>({{0, "mandatory"},
                                                          {1, "alpn"},
                                                          {2, "no-default-alpn"},
                                                          {3, "port"},
                                                          {4, "ipv4hint"},
                                                          {5, "ech"},
                                                          {6, "ipv6hint"}});

// Calls `see` with the number of each bit that is set, the first bit being the highest one.
template <class See>
void for_each_bit(bytes bitmap, See see) {
  for (unsigned bit = 0; bit < bitmap.size() * 8; ++bit)
    if ((std::to_integer<unsigned>(bitmap[bit / 8]) & 0x80U >> bit % 8) != 0) see(bit);
}

void append(std::string& text, std::string_view word, char separator = ' ') {
  if (!text.empty()) text += separator;
  text += word;
}

// The windows of RFC 4034, section 4.1.2.
std::string type_windows(field_reader& in) {
  std::string text;
  while (!in.at_end()) {
    unsigned const window = in.u8();
    for_each_bit(in.counted(), [&](unsigned bit) {
      append(text, type_text(static_cast<std::uint16_t>(window * 256 + bit)));
    });
  }
  return text;
}

// A plain map of bits, one for each port (WKS) or type (NXT).
std::string ports_text(field_reader& in) {
  std::string text;
  for_each_bit(in.take_rest(), [&](unsigned port) { append(text, std::to_string(port)); });
  return text;
}
std::string old_types_text(field_reader& in) {
  std::string text;
  for_each_bit(in.take_rest(), [&](unsigned number) {
    auto const* const known = find_type(static_cast<std::uint16_t>(number));
    append(text, known != nullptr ? std::string(known->name) : std::to_string(number));
  });
  return text;
}

std::string strings_text(field_reader& in) {
  std::string text;
  while (!in.at_end()) append(text, string_text(in.counted(), true));
  return text;
}

std::string octets_text(field_reader& in, std::string_view separator) {
  std::string text;
  for (auto const each : in.take_rest()) {
    if (!text.empty()) text += separator;
    text += fmt::format("{:02x}", std::to_integer<unsigned>(each));
  }
  return text;
}

std::string locator_text(field_reader& in) {
  std::string text;
  for (int i = 0; i < 4; ++i) append(text, fmt::format("{:x}", in.u16()), ':');
  return text;
}

// A size in LOC: a digit and a power of ten, in centimetres (RFC 1876).
std::string size_text(unsigned size) {
  std::uint64_t centimetres = size >> 4;
  unsigned const power = size & 0xf;
  if (centimetres > 9 || power > 9) throw std::out_of_range("not a size");
  for (unsigned i = 0; i < power; ++i) centimetres *= 10;
  return power > 1 ? fmt::format("{}m", centimetres / 100) : fmt::format("0.{:02}m", centimetres);
}

// Thousandths of seconds of arc, counted from 2^31.
std::string angle_text(std::uint32_t angle, char above, char below) {
  constexpr std::uint32_t zero = 0x80000000;
  bool const is_above = angle >= zero;
  std::uint32_t const thousandths = is_above ? angle - zero : zero - angle;
  std::uint32_t const seconds = thousandths / 1000;
  return fmt::format("{} {} {}.{:03} {}", seconds / 3600, seconds / 60 % 60, seconds % 60,
                     thousandths % 1000, is_above ? above : below);
}

std::string location_text(field_reader& in) {
  if (in.u8() != 0) throw std::out_of_range("not version 0");
  std::string sizes;
  for (int i = 0; i < 3; ++i) append(sizes, size_text(in.u8()));
  auto const latitude = angle_text(in.u32(), 'N', 'S');
  auto const longitude = angle_text(in.u32(), 'E', 'W');
  std::int64_t const altitude = std::int64_t{in.u32()} - 10'000'000;
  auto const height = static_cast<std::uint64_t>(altitude < 0 ? -altitude : altitude);
  return fmt::format("{} {} {}{}.{:02}m {}", latitude, longitude, altitude < 0 ? "-" : "",
                     height / 100, height % 100, sizes);
}

std::string atm_text(field_reader& in) {
  unsigned const format = in.u8();
  if (format == 0) return octets_text(in, "");
  if (format != 1) throw std::out_of_range("not a format of ATMA");
  auto const digits = in.take_rest();
  return '+' + std::string(reinterpret_cast<char const*>(digits.data()), digits.size());
}

// The end of an IPv6 address after a prefix, and the name that has the prefix (RFC 2874).
std::string a6_text(field_reader& in) {
  unsigned const prefix = in.u8();
  if (prefix > 128) throw std::out_of_range("not a prefix of an IPv6 address");
  auto text = std::to_string(prefix);
  if (prefix < 128) {
    std::array<std::byte, 16> address{};
    auto const suffix = in.take(16 - prefix / 8);
    std::ranges::copy(suffix, address.begin() + prefix / 8);
    address[prefix / 8] &= static_cast<std::byte>(0xff >> prefix % 8);
    append(text, address_text(AF_INET6, address));
  }
  if (prefix > 0) append(text, name_text(in.name(), true));
  return text;
}

// Networks with the bytes at their ends left out (RFC 3123).
std::string networks_text(field_reader& in) {
  std::string text;
  while (!in.at_end()) {
    unsigned const family = in.u16();
    unsigned const prefix = in.u8();
    unsigned const length = in.u8();
    auto const part = in.take(length & 0x7f);
    if ((family != 1 && family != 2) || part.size() > (family == 1 ? 4U : 16U))
      throw std::out_of_range("not a family of addresses");
    std::array<std::byte, 16> address{};
    std::ranges::copy(part, address.begin());
    append(text, fmt::format("{}{}:{}/{}", (length & 0x80) != 0 ? "!" : "", family,
                             address_text(family == 1 ? AF_INET : AF_INET6, address), prefix));
  }
  return text;
}

std::string gateway_text(field_reader& in, unsigned kind) {
  switch (kind) {
    case 0: return ".";
    case 1: return v4_text(in);
    case 2: return v6_text(in);
    case 3: return name_text(in.name(), true);
    default: throw std::out_of_range("not a kind of gateway");
  }
}

std::string ipsec_text(field_reader& in) {
  unsigned const precedence = in.u8();
  unsigned const kind = in.u8();
  unsigned const algorithm = in.u8();
  return fmt::format("{} {} {} {}", precedence, kind, algorithm, gateway_text(in, kind));
}

std::string relay_text(field_reader& in) {
  unsigned const precedence = in.u8();
  unsigned const kind = in.u8();
  return fmt::format("{} {} {} {}", precedence, kind >> 7, kind & 0x7f,
                     gateway_text(in, kind & 0x7f));
}

std::string host_identity_text(field_reader& in) {
  std::size_t const tag_size = in.u8();
  auto text = std::to_string(in.u8());
  std::size_t const key_size = in.u16();
  append(text, hex_text(in.take(tag_size), whole));
  append(text, base64_text(in.take(key_size), whole));
  while (!in.at_end()) append(text, name_text(in.name(), true));
  return text;
}

// A protocol within a list within quotes: what is special in either is escaped (RFC 9460, A.1).
std::string protocol_text(bytes letters) {
  std::string text;
  for (auto const each : letters) {
    auto const letter = std::to_integer<unsigned char>(each);
    if (letter < '!' || letter >= 0x7f)
      text += escaped_number(letter);
    else if (letter == '\\')
      text += R"(\\\\)";
    else if (letter == ',')
      text += R"(\\,)";
    else if (letter == '"')
      text += R"(\")";
    else
      text += static_cast<char>(letter);
  }
  return text;
}

std::string parameter_key(unsigned key) {
  return key <= 6 ? mnemonic(key, parameter_keys) : fmt::format("key{}", key);
}

std::string parameter_text(unsigned key, field_reader in) {
  std::string text;
  switch (key) {
    case 0:
      while (!in.at_end()) append(text, parameter_key(in.u16()), ',');
      return text;
    case 1:
      while (!in.at_end()) append(text, protocol_text(in.counted()), ',');
      return '"' + text + '"';
    case 3: return std::to_string(in.u16());
    case 4:
      while (!in.at_end()) append(text, v4_text(in), ',');
      return text;
    case 5: return base64_text(in.take_rest(), whole);
    case 6:
      while (!in.at_end()) append(text, v6_text(in), ',');
      return text;
    default: return string_text(in.take_rest(), true);
  }
}

// RFC 9460, section 2.2.
std::string parameters_text(field_reader& in) {
  std::string text;
  while (!in.at_end()) {
    unsigned const key = in.u16();
    auto const value = in.take(in.u16());
    append(text, parameter_key(key));
    if (!value.empty()) text += '=' + parameter_text(key, field_reader(value));
  }
  return text;
}

std::string field_text(char field, field_reader& in) {
  switch (field) {
    case 'b': return std::to_string(in.u8());
    case 'h': return std::to_string(in.u16());
    case 'w': return std::to_string(in.u32());
    case 'n': return name_text(in.name(), true);
    case 't': return type_text(in.u16());
    case 'T': return time_text(in.u32());
    case 'c': return mnemonic(in.u16(), certificate_kinds);
    case 'a': return mnemonic(in.u8(), algorithms);
    case 'd':
      return mnemonic(in.u8(),
                      std::to_array<std::pair<unsigned, std::string_view>>({{1, "NOTIFY"}}));
    case 's': return string_text(in.counted(), true);
    case 'u': return string_text(in.counted(), false);
    case 'S': return strings_text(in);
    case 'q': return string_text(in.take_rest(), true);
    case 'x': return hex_text(in.take_rest());
    case 'm': return base64_text(in.take_rest());
    case 'A': return in.at_end() ? "-" : base64_text(in.take_rest());
    case '4': return v4_text(in);
    case '6': return v6_text(in);
    case 'E': return octets_text(in, "-");
    case 'N': return "0x" + octets_text(in, "");
    case 'l': return locator_text(in);
    case 'L': return location_text(in);
    case 'D': return atm_text(in);
    case 'F': return a6_text(in);
    case 'I': return networks_text(in);
    case 'G': return ipsec_text(in);
    case 'R': return relay_text(in);
    case 'H': return host_identity_text(in);
    case 'W': return ports_text(in);
    case 'O': return old_types_text(in);
    case 'M': return type_windows(in);
    case 'P': return parameters_text(in);
    case 'p': {
      auto const salt = in.counted();
      return salt.empty() ? "-" : hex_text(salt, whole);
    }
    case 'B': return base32_text(in.counted());
    default: throw std::logic_error("no such field");
  }
}

std::string unknown_text(bytes data) {
  auto text = fmt::format("\\# {}", data.size());
  if (!data.empty()) append(text, hex_text(data));
  return text;
}

}  // namespace

std::string name_text(bytes name, bool with_final_dot) {
  field_reader in(name);
  std::string text;
  for (auto label = in.counted(); !label.empty(); label = in.counted()) {
    for (auto const each : label) {
      auto const letter = std::to_integer<unsigned char>(each);
      if (letter <= ' ' || letter >= 0x7f) {
        text += escaped_number(letter);
        continue;
      }
      if (std::string_view("@$\"().;\\").find(static_cast<char>(letter)) != std::string_view::npos)
        text += '\\';
      text += static_cast<char>(letter);
    }
    text += '.';
  }
  if (text.empty()) return ".";
  if (!with_final_dot) text.pop_back();
  return text;
}

std::string record_text(std::uint16_t type, bytes data) {
  auto const* const known = find_type(type);
  if (known == nullptr || known->fields.empty()) return unknown_text(data);
  try {
    field_reader in(data);
    std::string text;
    // A field that is empty at the end, a list of nothing, has no blank before it.
    for (char const field : known->fields)
      if (auto const word = field_text(field, in); !word.empty() || !in.at_end())
        append(text, word);
    return text;
  } catch (std::out_of_range const&) {
    return unknown_text(data);
  }
}

std::array<std::string, 7> soa_text(bytes data) {
  field_reader in(data);
  std::array<std::string, 7> fields;
  for (std::size_t i = 0; i < fields.size(); ++i)
    fields[i] = i < 2 ? name_text(in.name(), false) : std::to_string(in.u32());
  return fields;
}

}  // namespace nslookup
