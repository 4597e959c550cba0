// See weft/net/queue/server.hpp.
#include "weft/net/queue/server.hpp"

#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "queue/host.hpp"
#include "queue/refusal.hpp"
#include "queue/session.hpp"
#include "weft/cancel.hpp"
#include "weft/net/serve.hpp"
#include "weft/retry.hpp"
#include "weft/scope.hpp"

namespace weft::inline v0::net {

struct queue_server::state {
  tcp_listener listener;
  detail::queue_host host;
  detail::queue_strangers strangers{};

  state(tcp_listener bound, queue_server_options const& options)
      : listener(std::move(bound)),
        host(options, fmt::format("queue server {}", listener.local().to_string()),
             [retry = options.policy.retry](int failures) {
               return detail::retry_delay(retry, failures).count();
             }) {}
};

queue_server::queue_server(std::shared_ptr<state> made) noexcept : state_(std::move(made)) {}
queue_server::queue_server(queue_server&&) noexcept = default;
queue_server::~queue_server() = default;

queue_server queue_server::bind(endpoint const& at, queue_server_options const& options) {
  (void)detail::server_handshake(options.key);  // refuses one that is empty
  detail::check_queue_policy(options.policy);
  return queue_server(std::make_shared<state>(tcp_listener::bind(at), options));
}

std::shared_ptr<detail::queue_host> queue_server::host() const noexcept {
  return {state_, &state_->host};
}

endpoint queue_server::local() const { return state_->listener.local(); }

task<> queue_server::serve() { return serve(state_); }

task<> queue_server::serve(std::shared_ptr<state> of) {
  auto& listener = of->listener;
  auto& host = of->host;
  auto& strangers = of->strangers;
  co_await scope([&](task_scope& tasks) -> task<> {
    auto const time = tasks.spawn(host.keep_time());
    auto const ending = tasks.spawn([&]() -> task<> {
      event never;
      co_await until_stop(never.wait());
      host.end();
    });
    co_await net::serve(listener,
                        [&](tcp_stream peer) {
                          return detail::serve_queue_session(host, strangers, std::move(peer));
                        },
                        {.drain = host.options().drain});
    time.cancel();
    ending.cancel();
  });
}

}  // namespace weft::inline v0::net
