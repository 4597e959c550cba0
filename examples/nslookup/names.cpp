#include "nslookup/names.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include <unistd.h>

#include <weft/net/dns/name.hpp>

#include "nslookup/record_text.hpp"

namespace nslookup {

namespace {

constexpr std::size_t label_max = 63;
constexpr std::size_t name_max = 255;

bool is_beyond_ascii(char letter) { return static_cast<signed char>(letter) < 0; }

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

// Takes an escape, whose backslash is taken already, off the front of the text.
char take_escape(std::string_view& rest) {
  if (rest.empty()) throw bad_name("unexpected end of input");
  if (!is_digit(rest.front())) {
    char const letter = rest.front();
    rest.remove_prefix(1);
    return letter;
  }
  int value = 0;
  for (int digits = 0; digits < 3; ++digits, rest.remove_prefix(1)) {
    if (rest.empty()) throw bad_name("unexpected end of input");
    if (!is_digit(rest.front())) throw bad_name("bad escape");
    value = value * 10 + (rest.front() - '0');
  }
  if (value > 255) throw bad_name("bad escape");
  return static_cast<char>(value);
}

std::string shown_wire(std::vector<std::byte> wire) {
  wire.push_back(std::byte{0});
  return name_text(wire, true);
}

// International names are for people: only a terminal shows them, and only its text may hold them.
bool is_international() {
  static bool const is = ::isatty(STDOUT_FILENO) == 1 && std::getenv("IDN_DISABLE") == nullptr;
  return is;
}

}  // namespace

typed_name::typed_name(std::string_view text) {
  std::string ascii;
  if (is_international() && std::ranges::any_of(text, is_beyond_ascii)) {
    ascii = weft::net::dns::parse_name(text);
    text = ascii;
  }
  if (text.empty()) throw bad_name("unexpected end of input");
  if (text == "@") return;
  if (text == ".") {
    absolute_ = true;
    return;
  }
  std::string label;
  while (!text.empty()) {
    char letter = text.front();
    text.remove_prefix(1);
    if (letter == '.') {
      if (label.empty()) throw bad_name("empty label");
      add_label(label);
      label.clear();
      absolute_ = text.empty();
      continue;
    }
    if (letter == '\\') letter = take_escape(text);
    if (label.size() == label_max) throw bad_name("label too long");
    label += letter;
  }
  if (!label.empty()) add_label(label);
}

void typed_name::add_label(std::string const& label) {
  if (wire_.size() + 1 + label.size() >= name_max) throw bad_name("ran out of space");
  wire_.push_back(static_cast<std::byte>(label.size()));
  for (char const letter : label) wire_.push_back(static_cast<std::byte>(letter));
  ++labels_;
}

std::string typed_name::absolute_text() const { return shown_wire(wire_); }

std::string typed_name::within(typed_name const& domain) const {
  if (absolute_) return absolute_text();
  auto wire = wire_;
  wire.insert(wire.end(), domain.wire_.begin(), domain.wire_.end());
  if (wire.size() >= name_max) throw name_too_long();
  return shown_wire(std::move(wire));
}

std::string shown_name(std::string_view name) {
  if (is_international() && name.find("xn--") != std::string_view::npos) {
    auto shown = weft::net::dns::to_unicode(name);
    if (shown.size() > 1 && shown.back() == '.') shown.pop_back();
    return shown;
  }
  auto shown = typed_name(name).absolute_text();
  if (shown.size() > 1) shown.pop_back();
  return shown;
}

}  // namespace nslookup
