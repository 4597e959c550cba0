// TCP: listeners, connections, and connecting. See tcp(7), socket(7).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "weft/net/detail/socket_address.hpp"
#include "weft/net/endpoint.hpp"
#include "weft/net/listener.hpp"
#include "weft/net/stream_socket.hpp"

namespace weft::inline v0::net {

class tcp_stream : public stream_socket {
 public:
  tcp_stream() noexcept = default;

  // Takes over a connected socket, in blocking or non-blocking mode, which it stays in.
  static tcp_stream adopt(int fd) noexcept { return tcp_stream(descriptor::adopt(fd)); }

  // These and the options throw std::system_error: ENOTCONN once the peer has reset the connection,
  // EBADF after close(). None of them waits.
  [[nodiscard]] WEFT_API endpoint local() const;
  [[nodiscard]] WEFT_API endpoint peer() const;

  // Whether small writes are sent at once instead of being collected (TCP_NODELAY). Off at first.
  WEFT_API void set_no_delay(bool on);
  [[nodiscard]] WEFT_API bool no_delay() const;

  // Whether the kernel asks a silent peer now and then if it is there (SO_KEEPALIVE). Off at first.
  WEFT_API void set_keep_alive(bool on);
  [[nodiscard]] WEFT_API bool keep_alive() const;

  // After this long without an answer to what was sent the connection fails with ETIMEDOUT
  // (TCP_USER_TIMEOUT, at most 24 days); zero, or less, brings back the system's default.
  WEFT_API void set_user_timeout(std::chrono::milliseconds timeout);

 private:
  friend class tcp_connect_operation;
  explicit tcp_stream(descriptor&& connected) noexcept
      : stream_socket(std::move(connected), short_read::leaves_nothing) {}
};

struct listen_options {
  // How many connections wait for accept(), as far as net.core.somaxconn lets them.
  int backlog = 4096;

  // Several listeners, also of other processes, share the port, and the kernel spreads the
  // connections over them (SO_REUSEPORT).
  bool reuse_port = false;

  // Whether an IPv6 listener takes IPv6 only; else the system's default, which is usually both.
  std::optional<bool> v6_only = std::nullopt;
};

class WEFT_API tcp_listener : public listener<tcp_stream> {
 public:
  tcp_listener() noexcept = default;

  // Opens a listener at the endpoint, or at the text of one (see endpoint::parse); port 0 picks a
  // free one. SO_REUSEADDR is set. Throws std::system_error ("bind 127.0.0.1:80: Permission
  // denied").
  static tcp_listener bind(endpoint const& at, listen_options const& options = {});
  static tcp_listener bind(std::string_view at, listen_options const& options = {}) {
    return bind(endpoint::parse(at), options);
  }

  // Takes over a listening socket and makes it non-blocking. Throws std::system_error, when the
  // descriptor stays the caller's: EINVAL when it does not listen.
  static tcp_listener adopt(int fd) { return tcp_listener(detail::adopt_listening(fd)); }

  // Where it listens. Throws std::system_error.
  [[nodiscard]] endpoint local() const;

 private:
  explicit tcp_listener(descriptor&& listening) noexcept : listener(std::move(listening)) {}
};

class WEFT_API tcp_connect_operation final
    : public detail::awaitable_operation<tcp_connect_operation, tcp_stream, detail::io_operation> {
 public:
  explicit tcp_connect_operation(endpoint const& peer) noexcept;
  bool start() noexcept;
  bool prepare(io_uring_sqe& entry) const noexcept override;
  int perform() noexcept override;
  tcp_stream value() noexcept { return tcp_stream(std::move(socket_)); }
  [[nodiscard]] std::string describe() const override;

 private:
  tcp_connect_operation(endpoint const& peer, descriptor&& socket) noexcept;

  detail::socket_address address_;
  descriptor socket_;
  int open_error_;  // why there is no socket; else 0
  bool begun_ = false;
};

// Connects to the endpoint and yields the stream. Throws std::system_error ("connect 127.0.0.1:9:
// Connection refused"), or cancelled, when nothing stays open. Without a limit of time of its own:
// with_timeout(2s, connect(peer)). The text is as endpoint::parse takes it, which throws at once
// for another. See connect(2).
[[nodiscard]] inline tcp_connect_operation connect(endpoint const& peer) noexcept {
  return tcp_connect_operation(peer);
}
[[nodiscard]] inline tcp_connect_operation connect(std::string_view peer) {
  return connect(endpoint::parse(peer));
}

}  // namespace weft::inline v0::net
