// Names between text, wire and people.
#include "dns/name.hpp"

#include <idn2.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <stdexcept>

#include <fmt/format.h>

#include "address_text.hpp"
#include "dns/ldns.hpp"
#include "weft/net/dns/name.hpp"

namespace weft::inline v0 {

namespace detail {

namespace {

// A zone file gives a meaning to these, so that ldns, too, writes them with a backslash.
constexpr bool is_special(char letter) noexcept {
  return letter == '.' || letter == ';' || letter == '(' || letter == ')' || letter == '\\';
}

// What every host name is made of, and needs no escape anywhere.
constexpr auto plain_letters = [] {
  std::array<bool, 256> table{};
  for (unsigned char const letter :
       std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"))
    table[letter] = true;
  return table;
}();

constexpr bool is_plain(char letter) noexcept {
  return plain_letters[static_cast<unsigned char>(letter)];
}

void append_escaped(std::string& text, char letter) {
  if (is_plain(letter)) {
    text += letter;
    return;
  }
  bool const printable = letter > ' ' && letter <= '~';
  if (!printable) {
    fmt::format_to(std::back_inserter(text), "\\{:03}", static_cast<unsigned char>(letter));
    return;
  }
  if (is_special(letter)) text += '\\';
  text += letter;
}

char small(char letter) noexcept {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter | 0x20) : letter;
}

constexpr auto label_too_long = "a label has at most 63 bytes";
constexpr auto name_too_long = "a name has at most 255 bytes";
constexpr auto label_empty = "a label has at least one byte; \".\" alone is the root";
constexpr auto escape_wrong = "a backslash stands before a special character or three digits";

}  // namespace

bool wire_name::append(std::span<std::byte const> label) noexcept {
  if (label.size() > label_size_max || size_ + label.size() + 1 > size_max) return false;
  bytes_[size_ - 1] = static_cast<std::byte>(label.size());
  std::ranges::copy(label, bytes_.begin() + size_);
  size_ += label.size() + 1;
  bytes_[size_ - 1] = std::byte{0};
  return true;
}

std::string wire_name::text() const {
  if (size_ == 1) return ".";
  std::string text;
  text.reserve(size_);
  std::string_view rest(reinterpret_cast<char const*>(bytes_.data()), size_ - 1);
  while (!rest.empty()) {
    auto const label = rest.substr(1, static_cast<std::size_t>(rest.front()));
    if (std::ranges::all_of(label, is_plain)) [[likely]]
      text += label;
    else
      for (char const letter : label) append_escaped(text, letter);
    text += '.';
    rest.remove_prefix(1 + label.size());
  }
  return text;
}

// The lengths of labels are no letters, since they are below 64.
bool wire_name::is_same(wire_name const& other) const noexcept {
  auto const folded = [](std::byte value) { return small(static_cast<char>(value)); };
  return std::ranges::equal(bytes(), other.bytes(), {}, folded, folded);
}

std::string name_key(std::string_view text) {
  std::string key(text);
  std::ranges::transform(key, key.begin(), small);
  return key;
}

bool has_same_key(std::string_view left, std::string_view right) noexcept {
  return std::ranges::equal(left, right, {}, small, small);
}

namespace {

// Reads a name of plain letters, as nearly all are; false, with nothing said, for any other.
bool read_plain_name(std::string_view text, wire_name& result) noexcept {
  if (!text.ends_with('.')) {
    if (!text.empty() && !is_plain(text.back())) return false;
  } else {
    text.remove_suffix(1);
  }
  result = {};
  for (;;) {
    std::size_t const end = std::min(text.find('.'), text.size());
    auto const label = text.substr(0, end);
    if (label.empty() || !std::ranges::all_of(label, is_plain)) return false;
    if (!result.append(std::as_bytes(std::span(label)))) return false;
    if (end == text.size()) return true;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

char const* read_name(std::string_view text, wire_name& result) {
  if (text.empty()) return label_empty;
  if (read_plain_name(text, result)) return nullptr;
  if (text.find('\0') != text.npos) return "write a zero byte as \\000";
  ldns_rdf* read = nullptr;
  auto const status = ::ldns_str2rdf_dname(&read, std::string(text).c_str());
  ldns_pointer<ldns_rdf> const name(read);
  switch (status) {
    case LDNS_STATUS_OK: break;
    case LDNS_STATUS_MEM_ERR: throw std::bad_alloc();
    case LDNS_STATUS_LABEL_OVERFLOW: return label_too_long;
    case LDNS_STATUS_DOMAINNAME_OVERFLOW: return name_too_long;
    case LDNS_STATUS_EMPTY_LABEL: return label_empty;
    default: return escape_wrong;
  }
  if (!name) throw std::bad_alloc();
  std::span const bytes(reinterpret_cast<std::byte const*>(::ldns_rdf_data(name.get())),
                        ::ldns_rdf_size(name.get()));
  result = {};
  for (std::size_t at = 0; at < bytes.size() && bytes[at] != std::byte{0};) {
    auto const size = static_cast<std::size_t>(bytes[at]);
    if (!result.append(bytes.subspan(at + 1, size))) return name_too_long;
    at += size + 1;
  }
  return nullptr;
}

wire_name to_wire_name(std::string_view text) {
  wire_name name;
  if (auto const* reason = read_name(text, name)) throw_unreadable(text, "name", reason);
  return name;
}

}  // namespace detail

namespace net::dns {

namespace {

using detail::throw_unreadable;

struct idn_deleter {
  void operator()(char* text) const noexcept { ::idn2_free(text); }
};
using idn_text = std::unique_ptr<char, idn_deleter>;

bool is_ascii(std::string_view text) noexcept {
  return std::ranges::none_of(text, [](char letter) { return (letter & 0x80) != 0; });
}

std::string to_ascii(std::string_view text) {
  if (text.find('\\') != text.npos || text.find('\0') != text.npos)
    throw_unreadable(text, "name", "an international name has no escapes");
  char* made = nullptr;
  int const status =
      ::idn2_to_ascii_8z(std::string(text).c_str(), &made, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  idn_text const ascii(made);
  if (status == IDN2_MALLOC) throw std::bad_alloc();
  if (status != IDN2_OK) throw_unreadable(text, "name", ::idn2_strerror(status));
  return ascii.get();
}

}  // namespace

std::string parse_name(std::string_view text) {
  if (is_ascii(text)) return detail::to_wire_name(text).text();
  return detail::to_wire_name(to_ascii(text)).text();
}

std::string to_unicode(std::string_view name) {
  std::string text(name);
  if (text.find_first_of(std::string_view("\\\0", 2)) != text.npos) return text;
  char* made = nullptr;
  int const status = ::idn2_to_unicode_8z8z(text.c_str(), &made, IDN2_NONTRANSITIONAL);
  idn_text const unicode(made);
  if (status == IDN2_MALLOC) throw std::bad_alloc();
  if (status != IDN2_OK) return text;
  // libidn2 also decodes labels that stand for nothing that is allowed, such as control characters.
  try {
    return is_same_name(parse_name(unicode.get()), name) ? unicode.get() : text;
  } catch (std::invalid_argument const&) {
    return text;
  }
}

bool is_same_name(std::string_view left, std::string_view right) {
  detail::wire_name left_name;
  detail::wire_name right_name;
  return detail::read_name(left, left_name) == nullptr &&
         detail::read_name(right, right_name) == nullptr && left_name.is_same(right_name);
}

std::string reverse_name(net::address const& address) {
  auto const shown = address.to_v4().value_or(address);
  std::string name;
  auto const bytes = shown.bytes();
  for (std::size_t i = bytes.size(); i-- > 0;) {
    auto const value = static_cast<unsigned>(bytes[i]);
    if (shown.is_v4())
      fmt::format_to(std::back_inserter(name), "{}.", value);
    else
      fmt::format_to(std::back_inserter(name), "{:x}.{:x}.", value & 0xf, value >> 4);
  }
  return name + (shown.is_v4() ? "in-addr.arpa." : "ip6.arpa.");
}

}  // namespace net::dns

}  // namespace weft::inline v0
