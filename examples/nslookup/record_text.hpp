// The data of records as text, exactly as BIND prints it: from the bytes, since every library has
// its own idea of where blanks, quotes and capitals go.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "nslookup/field_reader.hpp"

namespace nslookup {

// An uncompressed name in wire form (RFC 1035, section 3.1), with or without the dot at its end;
// the root is always ".". Throws std::out_of_range when it is cut off.
std::string name_text(bytes name, bool with_final_dot);

// The data of a record of class IN, which holds uncompressed names. Data that does not fit its type
// is printed like that of an unknown type (RFC 3597).
std::string record_text(std::uint16_t type, bytes data);

// The fields of SOA data, with names that have no dot at the end. Throws std::out_of_range for data
// that is cut off.
std::array<std::string, 7> soa_text(bytes data);

}  // namespace nslookup
