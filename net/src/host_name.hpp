// How messages name a host and a service.
#pragma once

#include <string>

#include <fmt/format.h>

namespace weft::inline v0::detail {

// "www.example.org:http", "[2001:db8::1]:80"
inline std::string name_of(std::string const& host, std::string const& service) {
  return host.find(':') == host.npos ? fmt::format("{}:{}", host, service)
                                     : fmt::format("[{}]:{}", host, service);
}

}  // namespace weft::inline v0::detail
