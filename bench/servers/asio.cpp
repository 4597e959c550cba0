// Asio's coroutines, idiomatic and tuned: executors have their concrete type instead of that of
// any_io_executor, the context takes no locks, and errors are values, because the end of each
// connection is one.
#include <array>
#include <csignal>
#include <cstddef>
#include <string>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/basic_socket_acceptor.hpp>
#include <asio/basic_stream_socket.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/redirect_error.hpp>
#include <asio/signal_set.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/version.hpp>
#include <asio/write.hpp>

#include "server.hpp"

namespace {

using asio::ip::tcp;
using executor = asio::io_context::executor_type;
using awaitable = asio::awaitable<void, executor>;
using tcp_socket = asio::basic_stream_socket<tcp, executor>;
using tcp_acceptor = asio::basic_socket_acceptor<tcp, executor>;

constexpr asio::use_awaitable_t<executor> use_awaitable;

awaitable echo(tcp_socket peer) {
  std::array<std::byte, server::buffer_size> data;
  asio::error_code error;
  for (;;) {
    std::size_t const size = co_await peer.async_read_some(
        asio::buffer(data), asio::redirect_error(use_awaitable, error));
    if (error) break;
    co_await asio::async_write(peer, asio::buffer(data, size),
                               asio::redirect_error(use_awaitable, error));
    if (error) break;
  }
}

awaitable serve(tcp_acceptor& acceptor) {
  for (;;) {
    tcp_socket peer = co_await acceptor.async_accept(use_awaitable);
    asio::co_spawn(acceptor.get_executor(), echo(std::move(peer)), asio::detached);
  }
}

std::string name() {
  return "Asio " + std::to_string(ASIO_VERSION / 100000) + "." +
         std::to_string(ASIO_VERSION / 100 % 1000) + "." + std::to_string(ASIO_VERSION % 100);
}

}  // namespace

int main(int argc, char** argv) {
  asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);
  tcp::endpoint const address(asio::ip::address_v4::loopback(), server::port_of(argc, argv));
  tcp_acceptor acceptor(context.get_executor(), address);  // with SO_REUSEADDR
  acceptor.set_option(tcp::no_delay(true));                // accepted sockets inherit it

  asio::signal_set signals(context, SIGTERM);
  signals.async_wait([&context](asio::error_code, int) { context.stop(); });
  asio::co_spawn(context, serve(acceptor), asio::detached);
  server::announce(acceptor.local_endpoint().port(), name());
  context.run();
}
