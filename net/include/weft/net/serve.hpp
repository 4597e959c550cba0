// serve: a server in one call. It accepts until a stop is requested, runs the handler for each
// connection as a task of its own, contains what a handler throws, and drains at the end.
#pragma once

#include <concepts>
#include <optional>
#include <source_location>
#include <span>
#include <system_error>
#include <type_traits>
#include <utility>

#include "weft/net/detail/server.hpp"
#include "weft/net/tcp.hpp"

namespace weft::inline v0::net {

// A function of a listener's stream that returns a task<>.
template <class Handler, class Listener>
concept connection_handler =
    std::same_as<std::invoke_result_t<Handler&, typename Listener::stream_type>, task<>>;

}  // namespace weft::inline v0::net

namespace weft::inline v0::detail {

template <class Listener, class Handler>
task<> accept_from(Listener& listener, Handler& handler, server& server) {
  for (;;) {
    while (server.is_full() && !server.refuses()) co_await server.room();
    typename Listener::stream_type accepted;
    std::optional<std::system_error> failed;
    try {
      accepted = co_await listener.accept();
    } catch (std::system_error const& error) {
      failed = error;
    }
    if (failed) {
      co_await server.back_off(*failed);
      continue;
    }
    server.accepted_again();
    if (server.is_full() && server.refuses()) {
      server.refused();
      continue;
    }
    // Another listener may have taken the last place.
    while (server.is_full()) co_await server.room();
    accepted.count_in(server.traffic());
    try {
      server.start(handler(std::move(accepted)));
    } catch (...) {
      server.failed(std::current_exception());
    }
  }
}

}  // namespace weft::inline v0::detail

namespace weft::inline v0::net {

// Serves the connections of all the listeners, each with `handler(stream)`, on this loop, until a
// stop is requested. Then it stops accepting, waits for the connections that are active, for at
// most options.drain, cancels what is left and returns. Cancelled itself, it cancels them at once.
//
// What a handler throws ends its connection only: it is logged and counted. When descriptors or
// memory run out, accepting pauses, with one line in the log, and goes on when there are some
// again. Throws std::system_error when a listener is closed or broken. Borrows the listeners.
template <class Listener, connection_handler<Listener> Handler>
task<> serve(std::span<Listener> listeners, Handler handler, serve_options options = {},
             std::source_location site = std::source_location::current()) {
  detail::server server(options, site);
  co_await server.run([&](task_scope& tasks) {
    for (auto& listener : listeners) tasks.spawn(detail::accept_from(listener, handler, server));
  });
}

template <class Listener, connection_handler<Listener> Handler>
task<> serve(Listener& listener, Handler handler, serve_options options = {},
             std::source_location site = std::source_location::current()) {
  return serve(std::span<Listener>(&listener, 1), std::move(handler), options, site);
}

}  // namespace weft::inline v0::net
