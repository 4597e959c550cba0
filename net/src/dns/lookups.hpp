// What is looked up: once, for all who ask the same at the same time, and kept for those who ask
// later.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <unordered_map>

#include "dns/cache.hpp"
#include "dns/server_list.hpp"
#include "weft/event.hpp"

namespace weft::inline v0::detail {

// Owned by the resolver, and by those who wait and what runs.
class lookups : public std::enable_shared_from_this<lookups> {
 public:
  class ticket;

  // Borrows the scope, of which what runs are children.
  lookups(task_scope& tasks, net::dns::resolver_options options);

  [[nodiscard]] net::dns::resolver_options const& options() const noexcept { return options_; }
  [[nodiscard]] server_list& servers() noexcept { return servers_; }

  // Ends all that run, and lets nothing begin any more; those who wait get errc::closed.
  void close() noexcept;

 private:
  struct lookup;

  static task<> run(std::shared_ptr<lookups> home, std::shared_ptr<lookup> running,
                    net::dns::question asked, net::dns::query_options options);
  task<settled> settle(net::dns::question const& asked, net::dns::query_options const& options);
  std::shared_ptr<settled const> cached(std::string const& key, net::dns::question const& asked,
                                        net::dns::query_options const& options);
  std::shared_ptr<lookup> join(std::string key, net::dns::question const& asked,
                               net::dns::query_options const& options);
  void forget(lookup const& ended) noexcept;

  task_scope& tasks_;
  net::dns::resolver_options options_;
  server_list servers_;
  answer_cache cache_;
  std::unordered_map<std::string, std::shared_ptr<lookup>> running_;
  bool is_closed_ = false;
};

// One who wants to know. While there is a ticket for it a lookup goes on; with the last one it is
// cancelled.
class lookups::ticket {
 public:
  // Takes what the cache has, joins the lookup of the same question or starts one. Throws
  // query_error with closed.
  ticket(std::shared_ptr<lookups> home, net::dns::question const& asked,
         net::dns::query_options const& options);
  ticket(ticket const&) = delete;
  ticket& operator=(ticket const&) = delete;
  ~ticket();

  // Waits for the outcome, if it is not there, and yields it: also that there are no records.
  // Throws what server_list::ask throws, or query_error with cname_loop or closed.
  task<std::shared_ptr<settled const>> outcome();

  [[nodiscard]] bool is_from_cache() const noexcept { return lookup_ == nullptr; }

 private:
  std::shared_ptr<lookups> home_;
  net::dns::question asked_;
  std::shared_ptr<settled const> cached_;
  std::shared_ptr<lookup> lookup_;  // null if the cache had it
};

}  // namespace weft::inline v0::detail
