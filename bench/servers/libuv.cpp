// libuv, idiomatic and tuned: one buffer for all connections, because what is read is used before
// the next read; a write is tried at once, and only what the socket does not take is copied and
// queued, with reading stopped until it is gone.
#include <netinet/in.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <memory>
#include <string>

#include "server.hpp"

namespace {

struct connection {
  uv_tcp_t socket;
  uv_write_t request;
  std::unique_ptr<char[]> rest;  // of what the request writes
};

std::array<char, server::buffer_size> buffer;

void check(char const* what, int result) {
  if (result < 0) server::fail(what, -result);  // libuv's errors are negated errno values
}

uv_stream_t* stream_of(connection& peer) { return reinterpret_cast<uv_stream_t*>(&peer.socket); }

void drop(connection& peer) {
  auto* const handle = reinterpret_cast<uv_handle_t*>(&peer.socket);
  if (uv_is_closing(handle) != 0) return;
  uv_close(handle, [](uv_handle_t* closed) { delete static_cast<connection*>(closed->data); });
}

void lend(uv_handle_t*, std::size_t, uv_buf_t* lent) {
  *lent = uv_buf_init(buffer.data(), static_cast<unsigned>(buffer.size()));
}

void on_read(uv_stream_t* stream, ssize_t size, uv_buf_t const* data);

void on_written(uv_write_t* request, int status) {
  auto& peer = *static_cast<connection*>(request->handle->data);
  peer.rest.reset();
  if (status < 0) return drop(peer);
  uv_read_start(stream_of(peer), lend, on_read);
}

void queue(connection& peer, char const* data, std::size_t size) {
  uv_read_stop(stream_of(peer));
  peer.rest = std::make_unique_for_overwrite<char[]>(size);
  std::copy_n(data, size, peer.rest.get());
  uv_buf_t const rest = uv_buf_init(peer.rest.get(), static_cast<unsigned>(size));
  if (uv_write(&peer.request, stream_of(peer), &rest, 1, on_written) < 0) drop(peer);
}

void on_read(uv_stream_t* stream, ssize_t size, uv_buf_t const* data) {
  auto& peer = *static_cast<connection*>(stream->data);
  if (size == 0) return;  // EAGAIN
  if (size < 0) return drop(peer);
  uv_buf_t const answer = uv_buf_init(data->base, static_cast<unsigned>(size));
  int written = uv_try_write(stream, &answer, 1);
  if (written == size) return;
  if (written < 0 && written != UV_EAGAIN) return drop(peer);
  if (written < 0) written = 0;
  queue(peer, data->base + written, static_cast<std::size_t>(size - written));
}

void on_connection(uv_stream_t* listener, int status) {
  if (status < 0) return;
  auto* const peer = new connection{};
  uv_tcp_init(listener->loop, &peer->socket);
  peer->socket.data = peer;
  if (uv_accept(listener, stream_of(*peer)) < 0) return drop(*peer);
  uv_read_start(stream_of(*peer), lend, on_read);
}

}  // namespace

int main(int argc, char** argv) {
  uv_loop_t* const loop = uv_default_loop();
  uv_tcp_t listener;
  sockaddr_in address{};
  check("uv_ip4_addr", uv_ip4_addr("127.0.0.1", server::port_of(argc, argv), &address));
  check("uv_tcp_init", uv_tcp_init(loop, &listener));
  check("uv_tcp_bind", uv_tcp_bind(&listener, reinterpret_cast<sockaddr*>(&address), 0));
  check("uv_tcp_nodelay", uv_tcp_nodelay(&listener, 1));  // accepted sockets inherit it
  check("uv_listen",
        uv_listen(reinterpret_cast<uv_stream_t*>(&listener), SOMAXCONN, on_connection));

  uv_signal_t terminate;
  uv_signal_init(loop, &terminate);
  uv_signal_start(&terminate, [](uv_signal_t* signal, int) { uv_stop(signal->loop); }, SIGTERM);

  int fd = -1;
  uv_fileno(reinterpret_cast<uv_handle_t*>(&listener), &fd);
  server::announce(server::port_of_socket(fd), std::string("libuv ") + uv_version_string());
  uv_run(loop, UV_RUN_DEFAULT);
}
