// Whatever the text is, it is a name or refused; and a name stays as it is when it is read again,
// also after it was shown to people.
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "check.hpp"
#include "weft/net/dns/name.hpp"

namespace dns = weft::net::dns;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  std::string name;
  try {
    name = dns::parse_name(text);
  } catch (std::invalid_argument const&) {
    return 0;
  }
  check(name.ends_with('.'));
  check(dns::parse_name(name) == name);
  check(dns::is_same_name(name, name));
  check(dns::is_same_name(dns::parse_name(dns::to_unicode(name)), name));
  return 0;
}
