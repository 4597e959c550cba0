// What reading an address and reading an endpoint share.
#pragma once

#include <string_view>

#include "weft/net/address.hpp"

namespace weft::inline v0::detail {

// Reads what address::parse reads. Yields null, or why the text is no address: the end of a
// sentence, which works after "... is no IP address: " and after "... is no endpoint: ".
[[nodiscard]] char const* read_address(std::string_view text, net::address& result);

// Throws std::invalid_argument: `"text" is no KIND: REASON`, one short line whatever the text is.
[[noreturn]] void throw_unreadable(std::string_view text, std::string_view kind,
                                   std::string_view reason);

}  // namespace weft::inline v0::detail
