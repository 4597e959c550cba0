// See check.hpp.
#include "check.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>

#include "load.hpp"
#include "support/socket.hpp"

namespace bench {

namespace {

void check_messages(std::uint16_t port) {
  for (std::size_t const size : {1, 64, 1024, 16384, 65536, 65537, 4 << 20})
    for (std::size_t const connections : {1, 20}) {
      if (size > 100'000 && connections > 1) continue;
      echo_load(port, connections, size).run(limit::of(size > 100'000 ? 20 : 50 * connections));
    }
}

// The byte at a place of the stream; its period divides no buffer's size.
char byte_at(std::size_t place) { return static_cast<char>(place % 251); }

// Sends until nothing more is taken for a while. More than this the kernel does not hold.
std::size_t send_until_stuck(int fd) {
  constexpr std::size_t too_much = 256 << 20;
  constexpr int long_enough_ms = 100;
  std::vector<char> piece(1 << 20);
  std::size_t sent = 0;
  while (sent < too_much) {
    for (std::size_t i = 0; i < piece.size(); ++i) piece[i] = byte_at(sent + i);
    ssize_t const count = ::send(fd, piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count >= 0) {
      sent += static_cast<std::size_t>(count);
      continue;
    }
    if (errno != EAGAIN) checked("send", -1);
    pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
    if (::poll(&waiting, 1, long_enough_ms) == 0) return sent;
  }
  throw std::runtime_error("the server takes for ever what it cannot send");
}

std::size_t receive_until_end(int fd) {
  constexpr int patience_ms = 10'000;
  std::vector<char> buffer(1 << 20);
  std::size_t received = 0;
  for (;;) {
    pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, patience_ms) != 1)
      throw std::runtime_error(fmt::format("nothing came after {} bytes", received));
    auto const count = static_cast<std::size_t>(
        checked("recv", static_cast<int>(::recv(fd, buffer.data(), buffer.size(), 0))));
    if (count == 0) return received;
    for (std::size_t i = 0; i < count; ++i)
      if (buffer[i] != byte_at(received + i))
        throw std::runtime_error(fmt::format("byte {} is wrong", received + i));
    received += count;
  }
}

void check_partial_writes(std::uint16_t port) {
  constexpr int small = 4096;
  auto const client = connect_to(port, loopback, small);
  std::size_t const sent = send_until_stuck(client.get());
  checked("shutdown", ::shutdown(client.get(), SHUT_WR));
  std::size_t const received = receive_until_end(client.get());
  if (received != sent)
    throw std::runtime_error(fmt::format("{} of {} bytes came back", received, sent));
}

}  // namespace

void check_echo(server_process& process) {
  check_messages(process.port());
  check_partial_writes(process.port());
}

}  // namespace bench
