// serve: a server in one call. It accepts until a stop is requested, runs the handler for each
// connection as a task of its own, contains what a handler throws, and drains at the end.
#pragma once

#include <concepts>
#include <optional>
#include <ranges>
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

template <class Listener, class Handler>
task<> serve(std::span<Listener> listeners, Handler handler, net::serve_options options,
             std::source_location site) {
  server serving(options, site);
  co_await serving.run([&](task_scope& tasks) {
    for (auto& listener : listeners) tasks.spawn(accept_from(listener, handler, serving));
  });
}

}  // namespace weft::inline v0::detail

namespace weft::inline v0::net {

// Serves the connections of a listener, each with `handler(stream)`, on this loop, until a stop is
// requested. Then it stops accepting, waits for the connections that are active, for at
// most options.drain, cancels what is left and returns. Cancelled itself, it cancels them at once.
//
// What a handler throws ends its connection only: it is logged and counted. When descriptors or
// memory run out, accepting pauses, with one line in the log, and goes on when there are some
// again. Throws std::system_error when the listener is closed or broken. Borrows it.
template <class Listener, connection_handler<Listener> Handler>
task<> serve(Listener& listener, Handler handler, serve_options options = {},
             std::source_location site = std::source_location::current()) {
  return detail::serve(std::span<Listener>(&listener, 1), std::move(handler), options, site);
}

// The same for an array, vector or span of listeners.
template <std::ranges::contiguous_range Listeners,
          connection_handler<std::ranges::range_value_t<Listeners>> Handler>
  requires std::ranges::borrowed_range<Listeners>
task<> serve(Listeners&& listeners, Handler handler, serve_options options = {},
             std::source_location site = std::source_location::current()) {
  return detail::serve(std::span<std::ranges::range_value_t<Listeners>>(listeners),
                       std::move(handler), options, site);
}

}  // namespace weft::inline v0::net
