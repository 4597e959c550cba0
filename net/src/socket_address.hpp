// What a socket says of its own address and its peer's.
#pragma once

#include <string>

#include "weft/net/detail/socket_address.hpp"

namespace weft::inline v0::detail {

// Throw std::system_error.
socket_address local_address(int fd);
socket_address peer_address(int fd);

// For messages: empty where the socket does not say.
std::string local_name(int fd);
std::string peer_name(int fd);

// The address as text, for messages; empty where it has none.
std::string name_of(socket_address const& address);

}  // namespace weft::inline v0::detail
