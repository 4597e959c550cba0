// The record types and classes by name, and for each type how its data is laid out. One table
// serves the options that take a type, the lists of types in records, and the printing of all of
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nslookup {

struct record_type {
  std::uint16_t number;
  std::string_view name;
  // A letter for each field, as record_text.cpp reads them; none: the data is printed as hex.
  std::string_view fields;
};

// Those that the examples know by name; null for the others.
record_type const* find_type(std::uint16_t number);

// Reads a type as BIND does: a name in any case, or TYPE and a number.
std::optional<std::uint16_t> parse_type(std::string_view text);

// Reads a class: IN, CH or CHAOS, HS or HESIOD, ANY, NONE, RESERVED0, or CLASS and a number.
std::optional<std::uint16_t> parse_class(std::string_view text);

// The name; else TYPE (CLASS) and the number.
std::string type_text(std::uint16_t number);
std::string class_text(std::uint16_t number);

// Of ASCII letters only.
bool equal_in_any_case(std::string_view a, std::string_view b);

namespace type {
constexpr std::uint16_t a = 1;
constexpr std::uint16_t cname = 5;
constexpr std::uint16_t soa = 6;
constexpr std::uint16_t ptr = 12;
constexpr std::uint16_t aaaa = 28;
constexpr std::uint16_t axfr = 252;
constexpr std::uint16_t any = 255;
}  // namespace type

}  // namespace nslookup
