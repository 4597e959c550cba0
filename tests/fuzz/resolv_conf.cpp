// Whatever the file says, options come of it, within the limits that resolv.conf(5) has.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "check.hpp"
#include "weft/net/dns/options.hpp"

namespace dns = weft::net::dns;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const options =
      dns::resolver_options::parse({reinterpret_cast<char const*>(data), size}, 5353);
  check(options.ndots >= 0 && options.ndots <= 15);
  check(options.timeout > std::chrono::seconds(0) && options.timeout <= std::chrono::seconds(30));
  check(options.attempts >= 1 && options.attempts <= 5);
  for (auto const& server : options.servers) check(server.port() == 5353);
  check(std::ranges::none_of(options.search, [](auto const& name) { return name.empty(); }));
  return 0;
}
