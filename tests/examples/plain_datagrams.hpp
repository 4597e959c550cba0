// A UDP socket with one peer on 127.0.0.1: plain blocking calls, as plain_socket has for TCP.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

class plain_datagrams {
 public:
  explicit plain_datagrams(std::uint16_t port)
      : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    REQUIRE(fd_ >= 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(port);
    REQUIRE(::connect(fd_, reinterpret_cast<sockaddr const*>(&at), sizeof at) == 0);
  }
  plain_datagrams(plain_datagrams const&) = delete;
  plain_datagrams& operator=(plain_datagrams const&) = delete;
  ~plain_datagrams() { ::close(fd_); }

  void send(std::span<std::byte const> bytes) const {
    REQUIRE(::send(fd_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  }

  [[nodiscard]] bool readable_within(int milliseconds) const {
    pollfd waiting{fd_, POLLIN, 0};
    return ::poll(&waiting, 1, milliseconds) == 1;
  }

  // The next one, within a minute.
  [[nodiscard]] std::vector<std::byte> receive() const {
    REQUIRE(readable_within(60'000));
    std::vector<std::byte> bytes(65'535);
    ssize_t const count = ::recv(fd_, bytes.data(), bytes.size(), 0);
    REQUIRE(count >= 0);
    bytes.resize(static_cast<std::size_t>(count));
    return bytes;
  }

 private:
  int fd_;
};
