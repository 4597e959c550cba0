// Domain names as text, in the form of zone files: labels between dots, a dot at the end, "." for
// the root. A dot or another special character inside a label has a backslash before it, and a byte
// that is not printable ASCII is a backslash and three decimal digits (RFC 1035, section 5.1).
#pragma once

#include <string>
#include <string_view>

#include "weft/detail/compiler.hpp"
#include "weft/net/address.hpp"

namespace weft::inline v0::net::dns {

// The name in the form above, with a dot at the end if it has none. International names (UTF-8)
// become ASCII as IDNA2008 says, with the mapping of UTS 46 before ("Bücher.example" becomes
// "xn--bcher-kva.example."); other names keep their case. Throws std::invalid_argument, with one
// line that quotes the text, for what is no name: a label above 63 bytes or without any, more than
// 255 bytes in all, a wrong escape, an international name that is not allowed.
WEFT_API std::string parse_name(std::string_view text);

// The name for people, with the labels that are international ("xn--...") in UTF-8; as it is where
// that cannot be.
WEFT_API std::string to_unicode(std::string_view name);

// Whether the two, as parse_name yields them or messages have them, are one name: case does not
// count.
WEFT_API bool is_same_name(std::string_view left, std::string_view right);

// The name that reverse lookups ask for: "1.2.0.192.in-addr.arpa." (RFC 1035, section 3.5), or one
// below "ip6.arpa." (RFC 3596, section 2.5). A mapped IPv4 address counts as IPv4.
WEFT_API std::string reverse_name(net::address const& address);

}  // namespace weft::inline v0::net::dns
