// One server: how it is asked, over UDP or over TCP, and what is known of it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dns/udp_channel.hpp"
#include "weft/net/dns/options.hpp"
#include "weft/net/dns/resolver.hpp"
#include "weft/semaphore.hpp"

namespace weft::inline v0::detail {

// "query www.example. MX at 192.0.2.1:53, 192.0.2.2:53"
[[nodiscard]] std::string query_text(net::dns::question const& asked,
                                     std::span<net::endpoint const> servers);

class upstream {
 public:
  upstream(task_scope& tasks, net::endpoint server) noexcept
      : tasks_(tasks), server_(std::move(server)) {}

  // As resolver::exchange says. Borrows the query, and sets its id.
  task<net::dns::reply> exchange(net::dns::message& query, net::dns::exchange_options options);

  // False once it has shown that it knows no EDNS.
  bool knows_edns = true;

 private:
  // So many sockets at most; further questions wait for their turn.
  static constexpr std::size_t channels_max = 32;
  static constexpr std::size_t streams_max = 32;

  std::shared_ptr<udp_channel> channel_with_room();
  task<std::vector<std::byte>> over_udp(net::dns::message& query, std::chrono::nanoseconds timeout);
  task<std::vector<std::byte>> over_tcp(net::dns::message& query, std::chrono::nanoseconds timeout);
  task<std::vector<std::byte>> talk(net::dns::message const& query);

  task_scope& tasks_;
  net::endpoint server_;
  std::vector<std::weak_ptr<udp_channel>> channels_;
  semaphore datagrams_{channels_max * udp_channel::waiting_max};
  semaphore streams_{streams_max};
};

}  // namespace weft::inline v0::detail
