// DNS messages as values, and between them and the bytes on the wire (RFC 1035, section 4). What is
// inside of records, of each type that it knows, ldns reads and writes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "weft/detail/compiler.hpp"
#include "weft/net/dns/type.hpp"

namespace weft::inline v0::net::dns {

// Names are as dns/name.hpp says, in the case they came.
struct question {
  std::string name = ".";
  dns::type type = dns::type::a;
  dns::record_class record_class = dns::record_class::in;

  friend bool operator==(question const&, question const&) = default;
};

struct record {
  std::string name = ".";
  dns::type type = dns::type::a;
  dns::record_class record_class = dns::record_class::in;
  std::chrono::seconds ttl{0};  // at most 2^31 - 1
  // As in a zone file ("10 mail.example."); "\# 2 abcd" (RFC 3597) where ldns knows no form, or
  // none that it reads again.
  std::string data = {};

  // The data as on the wire, names inside in full. This is what encode() writes.
  std::vector<std::byte> rdata = {};

  // Reads a line of a zone file: "www.example. 300 IN A 192.0.2.1". Names are meant in full, also
  // without a dot at the end; without a time to live, an hour is meant. Throws
  // std::invalid_argument with one line that quotes the text.
  WEFT_API static record parse(std::string_view line);

  // Such a line, as parse reads it. It may refuse data in the form of RFC 3597, and NSAP-PTR.
  [[nodiscard]] WEFT_API std::string to_string() const;

  friend bool operator==(record const&, record const&) = default;
};

// What the OPT record says (RFC 6891). It stands here instead of among the additional records.
struct edns {
  std::uint16_t udp_size = 1232;  // the largest datagram that its sender takes
  std::uint8_t version = 0;
  bool dnssec_ok = false;
  std::vector<std::byte> options = {};  // as on the wire

  friend bool operator==(edns const&, edns const&) = default;
};

// The flags have their names in RFC 1035, section 4.1.1, and RFC 4035, section 3.
struct message {
  std::uint16_t id = 0;
  dns::opcode opcode = dns::opcode::query;
  dns::rcode rcode = dns::rcode::noerror;  // all twelve bits of it, if there is EDNS
  bool qr = false;                         // this is a response
  bool aa = false;                         // the server is an authority for the name
  bool tc = false;                         // cut short; ask again over TCP
  bool rd = true;                          // the server shall ask others on our behalf
  bool ra = false;                         // the server does that
  bool ad = false;                         // the server has verified the data
  bool cd = false;                         // the server shall not verify it
  std::optional<dns::edns> edns = {};
  std::vector<question> questions = {};
  std::vector<record> answers = {};
  std::vector<record> authorities = {};
  std::vector<record> additionals = {};

  friend bool operator==(message const&, message const&) = default;
};

// Thrown for bytes that are no message; the text says what is wrong with them, and where.
class WEFT_API malformed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A message that asks for the records of the type, with recursion desired, the id 0 and EDNS with
// its usual values. The name is as parse_name takes it, and throws as that does.
WEFT_API message make_query(std::string_view name, type asked,
                            record_class in_class = record_class::in);

// The message as bytes, with the names of records and questions compressed. If they would be more
// than `size_max` (or 65,535), leaves out records from the end until it fits, and sets the TC bit,
// unless all of those were additional. Throws std::invalid_argument for a name that is none, data
// that is too long, more records than a message can count, or questions that do not fit.
WEFT_API std::vector<std::byte> encode(message const& value, std::size_t size_max = 65'535);

// Reads one message. Takes time in proportion to the bytes, whatever they say about themselves.
// Throws malformed: for fewer or more bytes than the counts in it announce, for a name that leads
// in circles or is too long, for a second OPT record.
WEFT_API message decode(std::span<std::byte const> bytes);

}  // namespace weft::inline v0::net::dns
