// See socket.hpp.
#include "support/socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace bench {

namespace {

void set(int fd, int level, int option, int value) {
  checked("setsockopt", ::setsockopt(fd, level, option, &value, sizeof value));
}

sockaddr_in address_of(std::uint32_t host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(host);
  return address;
}

}  // namespace

file_descriptor connect_to(std::uint16_t port, std::uint32_t source, int receive_buffer) {
  file_descriptor made(checked("socket", ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  set(made.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  if (receive_buffer != 0) set(made.get(), SOL_SOCKET, SO_RCVBUF, receive_buffer);
  if (source != loopback) {
    // Else bind would take a port that no other connection may have, wherever it leads to.
    set(made.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    sockaddr_in const from = address_of(source, 0);
    checked("bind", ::bind(made.get(), reinterpret_cast<sockaddr const*>(&from), sizeof from));
  }
  sockaddr_in const to = address_of(loopback, port);
  checked("connect", ::connect(made.get(), reinterpret_cast<sockaddr const*>(&to), sizeof to));
  return made;
}

void raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace bench
