// The limit on epoll, in the style of C: edge-triggered, one receive and one send per echo. A
// receive that does not fill the buffer has drained the socket, so EAGAIN is never asked for; a
// send is tried at once, and what the kernel does not take waits in a copy for EPOLLOUT.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "server.hpp"

namespace {

// What could not be sent yet. While there is any, nothing is received.
struct unsent {
  char* copy;
  std::size_t begin;
  std::size_t end;
};

int poller;
std::vector<unsent> connections;  // by descriptor
std::array<char, server::buffer_size> buffer;

// Adding and changing both report what is ready already, so no edge is lost.
void watch(int operation, int fd, unsigned events) {
  epoll_event event{.events = events, .data = {.fd = fd}};
  if (::epoll_ctl(poller, operation, fd, &event) != 0) server::fail("epoll_ctl", errno);
}

constexpr unsigned reading = EPOLLIN | EPOLLRDHUP | EPOLLET;
constexpr unsigned writing = EPOLLOUT | EPOLLET;

[[gnu::noinline]] void drop(int fd) {
  std::free(connections[fd].copy);
  connections[fd].copy = nullptr;
  ::close(fd);
}

[[gnu::noinline]] void keep(int fd, char const* data, std::size_t size) {
  auto* const copy = static_cast<char*>(std::malloc(size));
  if (copy == nullptr) return drop(fd);
  std::memcpy(copy, data, size);
  connections[fd] = {.copy = copy, .begin = 0, .end = size};
  watch(EPOLL_CTL_MOD, fd, writing);
}

[[gnu::noinline]] void flush(int fd) {
  unsent& rest = connections[fd];
  ssize_t const sent = ::send(fd, rest.copy + rest.begin, rest.end - rest.begin, MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno != EAGAIN) drop(fd);
    return;
  }
  rest.begin += static_cast<std::size_t>(sent);
  if (rest.begin != rest.end) return;  // the next edge comes when the kernel has room again
  std::free(rest.copy);
  rest.copy = nullptr;
  watch(EPOLL_CTL_MOD, fd, reading);
}

void echo(int fd, unsigned events) {
  if (connections[fd].copy != nullptr) [[unlikely]]
    return flush(fd);
  for (;;) {
    ssize_t const received = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (received <= 0) {
      if (received == 0 || errno != EAGAIN) drop(fd);
      return;
    }
    ssize_t sent = ::send(fd, buffer.data(), static_cast<std::size_t>(received), MSG_NOSIGNAL);
    if (sent != received) [[unlikely]] {
      if (sent < 0 && errno != EAGAIN) return drop(fd);
      if (sent < 0) sent = 0;
      return keep(fd, buffer.data() + sent, static_cast<std::size_t>(received - sent));
    }
    // The end of the stream comes with the edge of the last data or with one of its own; with the
    // former, a short receive has not reached it yet.
    bool const drained = static_cast<std::size_t>(received) < buffer.size();
    if (drained && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) return;
  }
}

// The listener is level-triggered: one that is alone among the events most likely has one
// connection, and asking for another would be a system call for nothing.
void accept_from(int listener, bool alone) {
  do {
    int const fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (static_cast<std::size_t>(fd) >= connections.size()) connections.resize(fd + 1);
    watch(EPOLL_CTL_ADD, fd, reading);
  } while (!alone);
}

}  // namespace

int main(int argc, char** argv) {
  int const listener = server::listen_on(server::port_of(argc, argv), SOCK_NONBLOCK);
  poller = ::epoll_create1(EPOLL_CLOEXEC);
  if (poller < 0) server::fail("epoll_create1", errno);
  connections.resize(1024);
  watch(EPOLL_CTL_ADD, listener, EPOLLIN);
  server::exit_at_sigterm();
  server::announce(server::port_of_socket(listener), "raw epoll");

  static std::array<epoll_event, 1024> events;
  for (;;) {
    int const count = ::epoll_wait(poller, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd == listener) [[unlikely]]
        accept_from(listener, count == 1);
      else
        echo(events[i].data.fd, events[i].events);
    }
  }
}
