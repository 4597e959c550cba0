// Whatever the line is, it is a record or refused; and a record that was read is the same when it
// has been written and read again, as text and as bytes.
#include <cstdint>
#include <stdexcept>
#include <string_view>

#include "check.hpp"
#include "weft/net/dns/message.hpp"

namespace dns = weft::net::dns;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  dns::record read;
  try {
    read = dns::record::parse({reinterpret_cast<char const*>(data), size});
  } catch (std::invalid_argument const&) {
    return 0;
  }
  check(dns::record::parse(read.to_string()) == read);
  dns::message carrying;
  carrying.answers.push_back(read);
  check(dns::decode(dns::encode(carrying)) == carrying);
  return 0;
}
