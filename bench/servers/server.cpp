// See server.hpp.
#include "server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace server {

std::uint16_t port_of(int argc, char** argv) {
  std::uint16_t port = 0;
  if (argc == 3 && std::string_view(argv[1]) == "--port") {
    char const* const end = argv[2] + std::strlen(argv[2]);
    auto const [rest, error] = std::from_chars(argv[2], end, port);
    if (error == std::errc() && rest == end) return port;
  }
  std::fprintf(stderr, "usage: %s --port N\n", argv[0]);
  std::exit(2);
}

void announce(std::uint16_t port, std::string_view name) {
  std::printf("listening on 127.0.0.1:%u (%.*s)\n", static_cast<unsigned>(port),
              static_cast<int>(name.size()), name.data());
  std::fflush(stdout);
}

void exit_at_sigterm() {
  struct sigaction action{};
  action.sa_handler = [](int) { ::_exit(0); };
  ::sigaction(SIGTERM, &action, nullptr);
}

namespace {

int bind_socket(int kind, std::uint16_t port) {
  int const fd = ::socket(AF_INET, kind | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket", errno);
  int const on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("bind", errno);
  return fd;
}

}  // namespace

int listen_on(std::uint16_t port, int flags) {
  int const fd = bind_socket(SOCK_STREAM | flags, port);
  send_at_once(fd);
  if (::listen(fd, SOMAXCONN) != 0) fail("listen", errno);
  return fd;
}

int receive_at(std::uint16_t port) { return bind_socket(SOCK_DGRAM, port); }

void send_at_once(int fd) {
  int const on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

std::uint16_t port_of_socket(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    fail("getsockname", errno);
  return ntohs(address.sin_port);
}

void fail(char const* what, int error) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(error));
  std::exit(1);
}

}  // namespace server
