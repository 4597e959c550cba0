// The limit for datagrams, in the style of C: up to 64 in one recvmmsg and one sendmmsg. A receive
// that gets fewer has drained the socket.
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "server.hpp"

namespace {

constexpr unsigned batch_max = 64;
constexpr std::size_t datagram_max = 2'048;

std::array<std::array<char, datagram_max>, batch_max> buffers;
std::array<sockaddr_in, batch_max> peers;
std::array<iovec, batch_max> pieces;
std::array<mmsghdr, batch_max> messages;

// False when the socket has been drained.
bool echo(int fd) {
  for (unsigned i = 0; i < batch_max; ++i) {
    pieces[i] = {.iov_base = buffers[i].data(), .iov_len = datagram_max};
    messages[i].msg_hdr.msg_name = &peers[i];
    messages[i].msg_hdr.msg_namelen = sizeof peers[i];
    messages[i].msg_hdr.msg_iov = &pieces[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  int const received = ::recvmmsg(fd, messages.data(), batch_max, MSG_DONTWAIT, nullptr);
  if (received < 0) {
    if (errno == EAGAIN) return false;
    server::fail("recvmmsg", errno);
  }
  auto const count = static_cast<unsigned>(received);
  for (unsigned i = 0; i < count; ++i) pieces[i].iov_len = messages[i].msg_len;
  for (unsigned begin = 0; begin != count;) {
    int const sent = ::sendmmsg(fd, messages.data() + begin, count - begin, MSG_DONTWAIT);
    if (sent >= 0) {
      begin += static_cast<unsigned>(sent);
    } else if (errno == EAGAIN) {
      pollfd room{.fd = fd, .events = POLLOUT, .revents = 0};
      ::poll(&room, 1, -1);
    } else {
      server::fail("sendmmsg", errno);
    }
  }
  return count == batch_max;
}

}  // namespace

int main(int argc, char** argv) {
  int const fd = server::receive_at(server::port_of(argc, argv));
  int const poller = ::epoll_create1(EPOLL_CLOEXEC);
  if (poller < 0) server::fail("epoll_create1", errno);
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  if (::epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0) server::fail("epoll_ctl", errno);
  server::exit_at_sigterm();
  server::announce(server::port_of_socket(fd), "raw recvmmsg, epoll");
  for (;;) {
    if (::epoll_wait(poller, &event, 1, -1) < 0 && errno != EINTR)
      server::fail("epoll_wait", errno);
    while (echo(fd)) {}
  }
}
