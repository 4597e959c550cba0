// serve: a server in one call. It accepts until a stop is requested, runs the handler for each
// connection as a task of its own, contains what a handler throws, and drains at the end.
#pragma once

#include <concepts>
#include <exception>
#include <new>
#include <ranges>
#include <source_location>
#include <span>
#include <type_traits>
#include <utility>

#include "weft/net/detail/server.hpp"
#include "weft/net/serve_options.hpp"
#include "weft/net/tcp.hpp"

namespace weft::inline v0::net {

// A function that takes a listener's stream by value and returns a task<>. The stream lives as long
// as the task; one that was taken by reference would be gone before the task begins.
template <class Handler, class Listener>
concept connection_handler =
    std::same_as<std::invoke_result_t<Handler&, typename Listener::stream_type>, task<>> &&
    !std::invocable<Handler&, typename Listener::stream_type const&>;

}  // namespace weft::inline v0::net

namespace weft::inline v0::detail {

template <class Listener, class Handler>
task<> accept_from(Listener& listener, Handler& handler, server& server) {
  for (bool ran_out = false;;) {
    if (std::exchange(ran_out, false)) co_await server.pause();
    while (server.is_full() && !server.refuses()) co_await server.room();
    typename Listener::stream_type accepted;
    try {
      accepted = co_await listener.accept();
    } catch (...) {
      server.ran_out();
      ran_out = true;
    }
    if (ran_out) continue;
    server.accepted_again();
    if (server.is_full() && server.refuses()) {
      server.refused();
      continue;
    }
    // Another listener may have taken the last place.
    while (server.is_full()) co_await server.room();
    if (auto* const counted = server.traffic()) accepted.count_in(*counted);
    try {
      server.start(handler(std::move(accepted)));
    } catch (std::bad_alloc const&) {
      server.failed(std::current_exception());
      ran_out = true;
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
// requested. Then it stops accepting, waits for the connections that are active, for at most
// options.drain, cancels what is left and returns. Cancelled itself, it cancels them at once and
// throws cancelled. Borrows the listener; keeps the handler until all connections have ended.
//
// What a handler throws ends its connection only: it is logged as a warning and counted. When
// descriptors or memory run out, accepting pauses, with one line in the log, and goes on when there
// is room again. When the listener is closed or broken, the connections end as at a stop, and then
// serve throws the std::system_error. Throws std::invalid_argument for max_connections of 0.
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
