// Unix sockets: listeners, connections, and connecting, on this machine alone. Besides bytes they
// carry descriptors, and they tell who is at the other end. See unix(7).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "weft/net/detail/socket_file.hpp"
#include "weft/net/listener.hpp"
#include "weft/net/stream_socket.hpp"
#include "weft/net/unix_address.hpp"
#include "weft/task.hpp"

namespace weft::inline v0::net {

// Who is at the other end, as the kernel knows it; see unix(7), SO_PEERCRED. The process may have
// ended since, and its number be another's.
struct credentials {
  ::pid_t pid = 0;
  ::uid_t uid = 0;
  ::gid_t gid = 0;

  friend bool operator==(credentials const&, credentials const&) noexcept = default;
};

// What came with one receive: `size` bytes are in the buffer, and `count` descriptors in the places
// for them. Descriptors that found no place, or no free number in this process, are lost: closed.
struct received_descriptors {
  std::size_t size = 0;
  std::size_t count = 0;
  bool descriptors_lost = false;
};

// Reads that do not ask for descriptors close those that come with the bytes.
class WEFT_API unix_stream : public stream_socket {
 public:
  class send_descriptors_operation;
  class receive_descriptors_operation;

  unix_stream() noexcept = default;

  // Takes over a connected socket, in blocking or non-blocking mode, which it stays in.
  static unix_stream adopt(int fd) noexcept { return unix_stream(descriptor::adopt(fd)); }

  // Two that are connected to each other. Throws std::system_error. See socketpair(2).
  static std::pair<unix_stream, unix_stream> pair();

  // These throw std::system_error, EBADF after close(). None of them waits. An end that was not
  // bound, as that of a client, has no address. The credentials are those of when the peer
  // connected, listened or made the pair.
  [[nodiscard]] unix_address local() const;
  [[nodiscard]] unix_address peer() const;
  [[nodiscard]] credentials peer_credentials() const;

  // Writes all the bytes, at least one, as write_all does, and with the first of them passes
  // duplicates of the descriptors, at most 253. Borrows the bytes, the list, and the descriptors in
  // it until completion. Throws as write_all does, and then, if bytes_done() is 0, nothing was
  // passed; std::invalid_argument for no bytes, or too many descriptors. See unix(7), SCM_RIGHTS.
  [[nodiscard]] send_descriptors_operation send_descriptors(std::span<std::byte const> bytes,
                                                            std::span<int const> descriptors);

  // Reads as read_some does, and takes the descriptors that came with the first of the bytes into
  // `places`, close-on-exec; what was open there is closed. One read takes those of one send, and
  // no bytes of the next that has some. Size 0 at the end of the stream, or for an empty buffer.
  // Borrows the buffer and the places until completion. Cancelled, it loses nothing.
  [[nodiscard]] receive_descriptors_operation receive_descriptors(std::span<std::byte> buffer,
                                                                  std::span<descriptor> places);

 private:
  // A read also comes short where it meets descriptors.
  explicit unix_stream(descriptor&& connected) noexcept
      : stream_socket(std::move(connected), short_read::may_leave_more) {}
};

class WEFT_API unix_stream::send_descriptors_operation final
    : public detail::tried_operation<send_descriptors_operation, void, stream_socket::writing_all> {
 public:
  send_descriptors_operation(unix_stream& socket, std::span<std::byte const> bytes,
                             std::span<int const> descriptors);
  int perform() noexcept override;
  void value() const noexcept {}

  void await_resume() {
    if (result_ < 0) [[unlikely]]
      fail_with_bytes_done();
  }

 private:
  std::span<int const> descriptors_;
};

class WEFT_API unix_stream::receive_descriptors_operation final
    : public detail::awaitable_operation<receive_descriptors_operation, received_descriptors,
                                         stream_socket::operation_on> {
 public:
  receive_descriptors_operation(unix_stream& socket, std::span<std::byte> buffer,
                                std::span<descriptor> places)
      : awaitable_operation("read", socket, detail::interest::read),
        buffer_(buffer),
        places_(places) {}
  int perform() noexcept override;
  received_descriptors value() noexcept;

 private:
  std::span<std::byte> buffer_;
  std::span<descriptor> places_;
  received_descriptors received_;
};

struct unix_bind_options {
  // Whether a socket file at the path to which nobody is bound any more, such as one that a killed
  // server left, is removed first. To find that out takes a connection, which a server that is
  // there sees come and go. Of two servers that start on one path at the same instant, one may
  // remove the other's file before that listens; let a lock of yours decide between them.
  bool remove_stale = true;

  // The permissions of the file, as in chmod(2), but for what the umask forbids; else 0777 but for
  // that. To connect takes the permission to write. See unix(7), "Pathname socket ownership and
  // permissions".
  std::optional<::mode_t> permissions = std::nullopt;
};

struct unix_listen_options : unix_bind_options {
  // How many connections wait for accept(), as far as net.core.somaxconn lets them.
  int backlog = 4096;
};

// Owns the file that it made: close(), the destructor and assigning to it remove the file, and
// release() leaves it.
class WEFT_API unix_listener : public listener<unix_stream> {
 public:
  unix_listener() noexcept = default;

  // Opens a listener at the address; no address lets the kernel choose an abstract one. Throws
  // std::system_error ("bind /run/service: Address already in use").
  static unix_listener bind(unix_address const& at, unix_listen_options const& options = {});
  static unix_listener bind(std::string_view at, unix_listen_options const& options = {}) {
    return bind(unix_address::parse(at), options);
  }

  // Takes over a listening socket, but not its file, and makes it non-blocking. Throws
  // std::system_error, when the descriptor stays the caller's: EINVAL when it does not listen.
  static unix_listener adopt(int fd) { return unix_listener(detail::adopt_listening(fd)); }

  void close() {
    file_.remove();
    listener::close();
  }
  int release() noexcept {
    file_.forget();
    return listener::release();
  }

  // Where it listens. Throws std::system_error.
  [[nodiscard]] unix_address local() const;

 private:
  explicit unix_listener(descriptor&& listening) noexcept : listener(std::move(listening)) {}

  detail::socket_file file_;
};

// Connects to the address and yields the stream. While the listener's backlog is full, it tries
// again after pauses of up to 20 ms, since the kernel does not tell when there is room. Throws
// std::system_error ("connect /run/service: Connection refused"), or cancelled, when nothing stays
// open. See connect(2).
[[nodiscard]] WEFT_API task<unix_stream> connect(unix_address peer);

}  // namespace weft::inline v0::net
