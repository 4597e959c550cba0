// The front of a message, which is enough to say what it is an answer to.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dns/name.hpp"
#include "dns/wire_reader.hpp"
#include "weft/net/dns/message.hpp"

namespace weft::inline v0::detail {

struct wire_header {
  net::dns::message message;  // the fields of the header alone
  std::array<std::uint16_t, 4> counts{};
};

struct wire_question {
  wire_name name;
  net::dns::type type{};
  net::dns::record_class record_class{};
};

// Both throw malformed.
[[nodiscard]] wire_header read_header(wire_reader& reader);
[[nodiscard]] wire_question read_question(wire_reader& reader);

// What a message must be to answer a query.
struct expected_response {
  std::uint16_t id = 0;
  net::dns::opcode opcode{};
  wire_question asked;

  // To a query with one question.
  explicit expected_response(net::dns::message const& query);

  // Whether the bytes are a response with that id, opcode, name, type and class. A server that
  // fails may leave the question out.
  [[nodiscard]] bool is(std::span<std::byte const> bytes) const;
};

}  // namespace weft::inline v0::detail
