// Lets fmt print addresses, endpoints and Unix addresses, as to_string does; width, fill and
// alignment are those of strings. No other public header includes fmt.
#pragma once

#include <string_view>

#include <fmt/format.h>

#include "weft/detail/compiler.hpp"
#include "weft/net/address.hpp"
#include "weft/net/endpoint.hpp"
#include "weft/net/unix_address.hpp"

template <>
struct fmt::formatter<weft::net::address> : fmt::formatter<std::string_view> {
  template <typename Context>
  auto format(weft::net::address const& value, Context& context) const {
    return fmt::formatter<std::string_view>::format(value.to_string(), context);
  }
};

template <>
struct fmt::formatter<weft::net::endpoint> : fmt::formatter<std::string_view> {
  template <typename Context>
  auto format(weft::net::endpoint const& value, Context& context) const {
    return fmt::formatter<std::string_view>::format(value.to_string(), context);
  }
};

template <>
struct fmt::formatter<weft::net::unix_address> : fmt::formatter<std::string_view> {
  template <typename Context>
  auto format(weft::net::unix_address const& value, Context& context) const {
    return fmt::formatter<std::string_view>::format(value.to_string(), context);
  }
};
