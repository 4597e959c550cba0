// Everything of net but the formatters for fmt (net/format.hpp) and what needs further libraries
// (net/dns/, net/queue/, net/redis/).
#pragma once

#include "weft/net/address.hpp"
#include "weft/net/connect.hpp"
#include "weft/net/datagram_socket.hpp"
#include "weft/net/endpoint.hpp"
#include "weft/net/listener.hpp"
#include "weft/net/resolve.hpp"
#include "weft/net/serve.hpp"
#include "weft/net/socket_base.hpp"
#include "weft/net/split.hpp"
#include "weft/net/stream_socket.hpp"
#include "weft/net/tcp.hpp"
#include "weft/net/udp.hpp"
#include "weft/net/unix.hpp"
#include "weft/net/unix_address.hpp"
#include "weft/net/unix_datagram.hpp"
