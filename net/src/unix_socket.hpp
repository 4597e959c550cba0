// Opening Unix sockets. Throw std::system_error ("bind /run/service: Address already in use").
#pragma once

#include "weft/descriptor.hpp"
#include "weft/net/detail/socket_file.hpp"
#include "weft/net/unix.hpp"

namespace weft::inline v0::detail {

// In blocking mode, in which the ring waits for it; `kind` is SOCK_STREAM or SOCK_DGRAM, perhaps
// with SOCK_NONBLOCK. `what` and the address name the caller in errors.
descriptor open_unix_socket(int kind, char const* what, net::unix_address const& at);

// Binds the socket as the options say, and yields the file which that made. No address lets the
// kernel choose an abstract one.
socket_file bind_unix_socket(descriptor const& socket, int kind, net::unix_address const& at,
                             net::unix_bind_options const& options);

// Yields two sockets that are connected to each other.
std::pair<descriptor, descriptor> unix_socket_pair(int kind);

// Who made the socket that this one is connected to. Throws std::system_error.
net::credentials peer_credentials_of(int fd);

}  // namespace weft::inline v0::detail
