// The numbers of DNS that have names: types and classes of records, what is asked for and how that
// ended. Each is an enumeration of the well-known values in which every other number has its place,
// too. Names are those of the IANA registry, as ldns knows them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::net::dns {

// Of a record or a question. See RFC 1035, section 3.2.2, and the RFCs of the later ones.
enum class type : std::uint16_t {
  a = 1,
  ns = 2,
  cname = 5,
  soa = 6,
  null = 10,
  ptr = 12,
  hinfo = 13,
  mx = 15,
  txt = 16,
  rp = 17,
  afsdb = 18,
  aaaa = 28,
  loc = 29,
  srv = 33,
  naptr = 35,
  cert = 37,
  dname = 39,
  opt = 41,
  ds = 43,
  sshfp = 44,
  rrsig = 46,
  nsec = 47,
  dnskey = 48,
  nsec3 = 50,
  nsec3param = 51,
  tlsa = 52,
  smimea = 53,
  cds = 59,
  cdnskey = 60,
  openpgpkey = 61,
  svcb = 64,
  https = 65,
  spf = 99,
  ixfr = 251,
  axfr = 252,
  any = 255,
  uri = 256,
  caa = 257,
};

enum class record_class : std::uint16_t {
  in = 1,  // the Internet
  ch = 3,  // Chaos; servers tell about themselves in it ("version.bind")
  hs = 4,
  none = 254,
  any = 255,
};

// What a message is about.
enum class opcode : std::uint8_t {
  query = 0,
  iquery = 1,
  status = 2,
  notify = 4,
  update = 5,
};

// How a question ended. Those above 15 need EDNS (RFC 6891, section 6.1.3).
enum class rcode : std::uint16_t {
  noerror = 0,
  formerr = 1,   // the server could not read the question
  servfail = 2,  // the server failed
  nxdomain = 3,  // there is no such name
  notimp = 4,    // the server does not do that
  refused = 5,   // the server does not want to
  yxdomain = 6,
  yxrrset = 7,
  nxrrset = 8,
  notauth = 9,
  notzone = 10,
  badvers = 16,
};

// "MX"; "TYPE65280" for a number without a name (RFC 3597, section 5).
WEFT_API std::string to_string(type value);
// "IN"; "CLASS42" for a number without a name.
WEFT_API std::string to_string(record_class value);
// "QUERY"; "OPCODE7" for a number without a name.
WEFT_API std::string to_string(opcode value);
// "NXDOMAIN"; "RCODE42" for a number without a name.
WEFT_API std::string to_string(rcode value);

// Reads a type's name in any case, or "TYPE" and a number: "mx", "ANY", "TYPE65". Throws
// std::invalid_argument with one line that quotes the text.
WEFT_API type parse_type(std::string_view text);
// Yields none where parse_type throws.
WEFT_API std::optional<type> try_parse_type(std::string_view text);

// The same for classes: "in", "CH", "CLASS42".
WEFT_API record_class parse_class(std::string_view text);
WEFT_API std::optional<record_class> try_parse_class(std::string_view text);

}  // namespace weft::inline v0::net::dns
