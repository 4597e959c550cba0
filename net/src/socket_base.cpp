// See socket_base.hpp.
#include "weft/net/socket_base.hpp"

#include <sys/socket.h>

#include <fmt/format.h>

#include "socket_address.hpp"
#include "socket_option.hpp"

namespace weft::inline v0 {

void net::socket_base::set_send_buffer_size(std::size_t bytes) {
  detail::set_option(get(), SOL_SOCKET, SO_SNDBUF, "SO_SNDBUF", bytes);
}

void net::socket_base::set_receive_buffer_size(std::size_t bytes) {
  detail::set_option(get(), SOL_SOCKET, SO_RCVBUF, "SO_RCVBUF", bytes);
}

std::string detail::socket_operation::describe() const {
  std::string const peer = has_place() ? peer_name(fd) : std::string();
  return fmt::format("{} fd {}{}{}", name(), fd, peer.empty() ? "" : " ", peer);
}

}  // namespace weft::inline v0
