// resolve: the endpoints of a host and a service, as this machine is configured to find them: the
// hosts file, DNS, and whatever else nsswitch.conf(5) names.
#pragma once

#include <string>
#include <system_error>
#include <vector>

#include "weft/net/endpoint.hpp"
#include "weft/task.hpp"

namespace weft::inline v0::net {

// The errors of getaddrinfo(3), EAI_NONAME and its kin, with its texts ("Name or service not
// known"). Those that may pass are equivalent to std::errc::resource_unavailable_try_again.
WEFT_API std::error_category const& resolve_category() noexcept;

// Yields the endpoints of a host's stream sockets, at least one, best first (RFC 6724). `host` is a
// name or the text of an address; `service` a port, or a name of services(5) such as "https".
// Addresses with numeric ports are read here and now; everything else is asked of getaddrinfo(3) on
// the loop's blocking pool, which is left behind when cancelled. Throws std::system_error
// ("resolve nowhere.example:80: Name or service not known") of resolve_category(), or of the
// system.
WEFT_API task<std::vector<endpoint>> resolve(std::string host, std::string service);

}  // namespace weft::inline v0::net
