// Whatever the bytes are, they are a message or malformed; and a message that was read is the same
// when it has been written and read again, however it is cut to a size.
#include <cstdint>
#include <span>

#include "check.hpp"
#include "weft/net/dns/message.hpp"

namespace dns = weft::net::dns;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  dns::message read;
  try {
    read = dns::decode(std::as_bytes(std::span(data, size)));
  } catch (dns::malformed const&) {
    return 0;
  }
  check(dns::decode(dns::encode(read)) == read);
  constexpr std::size_t of_a_datagram = 512;
  auto const cut = dns::encode(read, of_a_datagram);
  check(cut.size() <= of_a_datagram);
  auto const left = dns::decode(cut);
  check(left.questions == read.questions);
  check(left.answers.size() <= read.answers.size());
  return 0;
}
