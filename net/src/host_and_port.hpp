// Where a server is, as users write it: a name or an address, and a port.
#pragma once

#include <stdexcept>
#include <string>

#include <fmt/format.h>

namespace weft::inline v0::detail {

struct host_and_port {
  std::string host;
  std::string port;

  // "HOST:PORT" or "[IPv6]:PORT". Throws std::invalid_argument for anything else: "weft: 'TEXT' is
  // no WHAT; use HOST:PORT".
  static host_and_port parse(std::string const& text, char const* what,
                             char const* usage = "HOST:PORT") {
    auto const colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == text.size())
      throw std::invalid_argument(fmt::format("weft: '{}' is no {}; use {}", text, what, usage));
    std::string host = text.substr(0, colon);
    bool const is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (is_bracketed) host = host.substr(1, host.size() - 2);
    if (host.find_first_of("[]") != std::string::npos ||
        (!is_bracketed && host.find(':') != std::string::npos))
      throw std::invalid_argument(fmt::format("weft: '{}' is no {}; use {}", text, what, usage));
    return {.host = std::move(host), .port = text.substr(colon + 1)};
  }
};

}  // namespace weft::inline v0::detail
