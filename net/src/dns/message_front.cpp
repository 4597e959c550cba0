// See message_front.hpp.
#include "dns/message_front.hpp"

namespace weft::inline v0::detail {

using net::dns::message;

wire_header read_header(wire_reader& reader) {
  constexpr auto what = "the header";
  wire_header read;
  message& into = read.message;
  into.id = reader.u16(what);
  unsigned const flags = reader.u16(what);
  into.qr = (flags & 0x8000) != 0;
  into.opcode = static_cast<net::dns::opcode>(flags >> 11 & 0xf);
  into.aa = (flags & 0x0400) != 0;
  into.tc = (flags & 0x0200) != 0;
  into.rd = (flags & 0x0100) != 0;
  into.ra = (flags & 0x0080) != 0;
  into.ad = (flags & 0x0020) != 0;
  into.cd = (flags & 0x0010) != 0;
  into.rcode = static_cast<net::dns::rcode>(flags & 0xf);
  for (std::uint16_t& count : read.counts) count = reader.u16(what);
  return read;
}

wire_question read_question(wire_reader& reader) {
  constexpr auto what = "a question";
  wire_question read;
  read.name = reader.name("the name of a question");
  read.type = static_cast<net::dns::type>(reader.u16(what));
  read.record_class = static_cast<net::dns::record_class>(reader.u16(what));
  return read;
}

expected_response::expected_response(message const& query) : id(query.id), opcode(query.opcode) {
  auto const& one = query.questions.front();
  asked = {to_wire_name(one.name), one.type, one.record_class};
}

bool expected_response::is(std::span<std::byte const> bytes) const {
  using net::dns::rcode;
  try {
    wire_reader reader(bytes);
    auto const [said, counts] = read_header(reader);
    if (!said.qr || said.id != id || said.opcode != opcode) return false;
    if (counts[0] == 0) return said.rcode != rcode::noerror && said.rcode != rcode::nxdomain;
    auto const question = read_question(reader);
    return counts[0] == 1 && question.type == asked.type &&
           question.record_class == asked.record_class && question.name.is_same(asked.name);
  } catch (net::dns::malformed const&) {
    return false;
  }
}

}  // namespace weft::inline v0::detail
