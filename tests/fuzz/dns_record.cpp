// Whatever the line is, it is a record or refused; and a record that was read is the same when it
// has been written and read again, as text and as bytes. Only data in the general form may then be
// refused: ldns does not read everything that it has made of such data.
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
  try {
    check(dns::record::parse(read.to_string()) == read);
  } catch (std::invalid_argument const&) {
    check(read.data.starts_with("\\#"));
  }
  if (read.type == dns::type::opt) return 0;  // which belongs to a message, and is in no section
  dns::message carrying;
  carrying.answers.push_back(read);
  check(dns::decode(dns::encode(carrying)) == carrying);
  return 0;
}
