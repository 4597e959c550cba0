// The data of records, field by field as ldns describes each type.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "dns/ldns.hpp"
#include "dns/wire_reader.hpp"
#include "weft/net/dns/message.hpp"

namespace weft::inline v0::detail {

// Reads the data of records, one after another. It keeps the memory in which ldns writes text.
class record_data_reader {
 public:
  // Takes `size` bytes from the message as the data of `record`, whose type and class are set.
  // Throws malformed where they have not the form of the type, or std::bad_alloc.
  void read(wire_reader& message, std::size_t size, net::dns::record& record);

 private:
  // Puts the text of a field behind `text`; false if ldns finds none in the bytes.
  bool append(std::string& text, ldns_rdf_type kind, std::span<std::byte const> bytes);

  ldns_pointer<ldns_buffer> buffer_;
};

}  // namespace weft::inline v0::detail
