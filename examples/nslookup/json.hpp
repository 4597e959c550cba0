// Answers as JSON, one object in a line, for programs to read (RFC 8259).
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <weft/net/dns/resolver.hpp>

#include "nslookup/printer.hpp"

namespace nslookup {

// {"name": "python.org", "type": "MX", "rcode": "NOERROR", "answers": [{"name": "python.org",
// "type": "MX", "ttl": 3600, "data": "50 mail.python.org."}], "server": "192.0.2.53:53",
// "ms": 1.234}
std::string json_text(std::string_view name, dns::type asked, dns::reply const& reply,
                      std::chrono::nanoseconds elapsed);

// How a question that none answered failed, as json_failure_text wants it.
std::string_view json_failure_name(dns::errc kind);

// The same with no answers, and no server, for a question that none answered.
std::string json_failure_text(std::string_view name, dns::type asked, std::string_view reason,
                              std::chrono::nanoseconds elapsed);

}  // namespace nslookup
