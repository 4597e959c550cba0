// The client's end of a connection over loopback.
#pragma once

#include <cstdint>

#include "support/file_descriptor.hpp"

namespace bench {

// 127.0.0.1
inline constexpr std::uint32_t loopback = 0x7f000001;

// Connects to the port on 127.0.0.1, from the address `source`. Over loopback the handshake is done
// when this returns. The socket is blocking, with TCP_NODELAY and, if it is not 0, a receive buffer
// of this size.
file_descriptor connect_to(std::uint16_t port, std::uint32_t source = loopback,
                           int receive_buffer = 0);

// So that many processes or connections find enough descriptors.
void raise_descriptor_limit();

}  // namespace bench
