// See silence.hpp.
#include "silence.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <chrono>

#include "socket_option.hpp"
#include "weft/net/tcp.hpp"

namespace weft::inline v0::detail {

void end_in_silence(net::tcp_stream& connection) {
  connection.set_keep_alive(true);
  set_option(connection.get(), IPPROTO_TCP, TCP_KEEPIDLE, "TCP_KEEPIDLE", 20);
  set_option(connection.get(), IPPROTO_TCP, TCP_KEEPINTVL, "TCP_KEEPINTVL", 5);
  set_option(connection.get(), IPPROTO_TCP, TCP_KEEPCNT, "TCP_KEEPCNT", 3);
  connection.set_user_timeout(std::chrono::seconds(35));  // for what was sent
}

}  // namespace weft::inline v0::detail
