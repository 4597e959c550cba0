// What a message says about the question it answers: records, perhaps at the end of a chain of
// aliases, or that there are none, and for how long that holds.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "weft/net/dns/error.hpp"
#include "weft/net/dns/message.hpp"

namespace weft::inline v0::detail {

inline constexpr unsigned aliases_max = 16;

struct finding {
  std::string name;                       // where the aliases lead
  std::vector<net::dns::record> records;  // of the type, and of that name
  std::optional<net::dns::errc> none;     // why there are none
  std::chrono::seconds holds_for{0};      // RFC 1035, section 3.2.1; RFC 2308, section 5
  bool is_open = false;                   // the aliases lead out of the message: ask there
};

// Follows the aliases in a message whose rcode is noerror or nxdomain. `followed` counts them, over
// several messages if need be; more than aliases_max are errc::cname_loop. Takes time in proportion
// to the message.
[[nodiscard]] finding find(net::dns::message const& said, net::dns::question const& asked,
                           unsigned& followed);

}  // namespace weft::inline v0::detail
