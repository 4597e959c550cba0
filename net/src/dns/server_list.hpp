// The servers of a resolver: which is asked when, and what counts as an answer.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "dns/upstream.hpp"

namespace weft::inline v0::detail {

class server_list {
 public:
  // Borrows the scope and the options.
  server_list(task_scope& tasks, net::dns::resolver_options const& options);

  // Asks the servers of the options, one after another and again, until one says that there are
  // records or that there are none. Throws query_error with the last failure and all servers,
  // std::system_error when this machine lacks something, or cancelled. Borrows its arguments.
  task<net::dns::reply> ask(net::dns::question const& asked,
                            net::dns::query_options const& options);

  // Asks that one, whether or not it is in the options. As resolver::exchange says.
  task<net::dns::reply> exchange(net::endpoint server, net::dns::message query,
                                 net::dns::exchange_options options);

 private:
  task<net::dns::reply> ask_one(upstream& server, net::dns::question const& asked,
                                net::dns::query_options const& options);
  std::shared_ptr<upstream> at(net::endpoint const& server);

  task_scope& tasks_;
  net::dns::resolver_options const& options_;
  std::vector<std::shared_ptr<upstream>> listed_;
  std::unordered_map<net::endpoint, std::weak_ptr<upstream>> others_;  // that are being asked
  std::size_t others_max_ = 64;  // with so many, those that are not asked any more are dropped
  std::size_t turns_ = 0;
};

}  // namespace weft::inline v0::detail
