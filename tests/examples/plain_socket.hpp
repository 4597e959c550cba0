// The other end of an example under test: plain blocking calls, so that it shares nothing with what
// is tested. Everything that waits gives up after a minute.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

// A TCP socket on 127.0.0.1.
class plain_socket {
 public:
  static plain_socket connect(std::uint16_t port) {
    plain_socket made;
    auto const at = loopback(port);
    REQUIRE(::connect(made.fd_, reinterpret_cast<sockaddr const*>(&at), sizeof at) == 0);
    return made;
  }

  // At a free port, which nobody can connect to before listen().
  static plain_socket bind() {
    plain_socket made;
    auto const at = loopback(0);
    REQUIRE(::bind(made.fd_, reinterpret_cast<sockaddr const*>(&at), sizeof at) == 0);
    return made;
  }

  plain_socket(plain_socket&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), unread_(std::move(other.unread_)) {}
  plain_socket& operator=(plain_socket&&) = delete;
  ~plain_socket() {
    if (fd_ >= 0) ::close(fd_);
  }

  [[nodiscard]] std::uint16_t port() const {
    sockaddr_in at{};
    socklen_t size = sizeof at;
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    return ntohs(at.sin_port);
  }

  void listen() const { REQUIRE(::listen(fd_, 128) == 0); }

  [[nodiscard]] plain_socket accept() const {
    REQUIRE(readable_within(60'000));
    return plain_socket(::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
  }

  void send(std::string_view text) const {
    while (!text.empty()) {
      ssize_t const count = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      REQUIRE(count > 0);
      text.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  void send_end() const { REQUIRE(::shutdown(fd_, SHUT_WR) == 0); }

  [[nodiscard]] bool readable_within(int milliseconds) const {
    pollfd waiting{fd_, POLLIN, 0};
    return ::poll(&waiting, 1, milliseconds) == 1;
  }

  // Some bytes; none at the end, and none when the peer has reset the connection.
  std::string some() {
    if (!unread_.empty()) return std::exchange(unread_, {});
    std::array<char, 4096> buffer{};
    REQUIRE(readable_within(60'000));
    ssize_t const count = ::recv(fd_, buffer.data(), buffer.size(), 0);
    return {buffer.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
  }

  // A line without its LF, or what there is before the end.
  std::string line() {
    std::string text;
    while (text.find('\n') == std::string::npos) {
      auto const more = some();
      if (more.empty()) break;
      text += more;
    }
    auto const end = text.find('\n');
    if (end != std::string::npos) unread_ = text.substr(end + 1);
    return text.substr(0, end);
  }

  std::string ask(std::string_view text) {
    send(text);
    return line();
  }

  // Everything up to the end.
  std::string rest() {
    std::string text;
    for (auto more = some(); !more.empty(); more = some()) text += more;
    return text;
  }

 private:
  plain_socket() : plain_socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  explicit plain_socket(int fd) : fd_(fd) { REQUIRE(fd >= 0); }

  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(port);
    return at;
  }

  int fd_;
  std::string unread_;
};
