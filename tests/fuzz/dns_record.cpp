// Whatever the line is, it is a record or refused. A record that was read is the same when it has
// been written to a message and read again. Its text is a line that has the same text when it is
// read, or is refused: ldns also writes data that it does not read, such as hashes of odd sizes.
#include <cstdint>
#include <stdexcept>
#include <string_view>

#include "check.hpp"
#include "weft/net/dns/message.hpp"

namespace dns = weft::net::dns;

// ldns 1.8.3 loses fields of lines that it refuses, such as an algorithm 0 in a CERT record. A
// record that we lost would still be found: it is allocated elsewhere.
extern "C" char const* __lsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier)
extern "C" char const* __lsan_default_suppressions() {
  return "leak:ldns_rdf_new_frm_data\nleak:ldns_str2rdf_\n";
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  dns::record read;
  try {
    read = dns::record::parse({reinterpret_cast<char const*>(data), size});
  } catch (std::invalid_argument const&) {
    return 0;
  }
  auto const text = read.to_string();
  try {
    check(dns::record::parse(text).to_string() == text);
  } catch (std::invalid_argument const&) {}
  if (read.type == dns::type::opt) return 0;  // which belongs to a message, and is in no section
  dns::message carrying;
  carrying.answers.push_back(read);
  check(dns::decode(dns::encode(carrying)) == carrying);
  return 0;
}
