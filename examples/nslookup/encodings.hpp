// The forms in which BIND writes what is inside of records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "nslookup/field_reader.hpp"

namespace nslookup {

// A byte as a backslash and three decimal digits.
std::string escaped_number(unsigned char letter);

// A character string. Within quotes a blank needs no escape, and neither do ; and @.
std::string string_text(bytes letters, bool quoted);

// A group that no record fills.
constexpr std::size_t whole = std::size_t{1} << 20;

// Digits, with a blank behind each group of so many.
std::string hex_text(bytes data, std::size_t group = 56);
std::string base64_text(bytes data, std::size_t group = 56);

// Without the padding of RFC 4648, and with the alphabet of its section 7.
std::string base32_text(bytes data);

// An address of AF_INET or AF_INET6, of which there must be enough bytes.
std::string address_text(int family, bytes address);

// Seconds since 1970 as a date: 20300101000000.
std::string time_text(std::uint32_t seconds);

}  // namespace nslookup
