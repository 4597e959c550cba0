// See server_process.hpp.
#include "support/server_process.hpp"

#include <charconv>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>

namespace bench {

server_process::server_process(child_command const& command, std::optional<int> processor)
    : child_(command, processor) {
  auto const line = child_.read_line();
  constexpr std::string_view start = "listening on 127.0.0.1:";
  std::size_t const open = line.find(" (");
  std::size_t const close = line.rfind(')');
  char const* const digits = line.data() + start.size();
  if (!line.starts_with(start) || open == std::string::npos || close == std::string::npos ||
      std::from_chars(digits, line.data() + open, port_).ec != std::errc())
    throw std::runtime_error(fmt::format("{} said: {}", child_.program(), line));
  name_ = line.substr(open + 2, close - open - 2);
}

}  // namespace bench
