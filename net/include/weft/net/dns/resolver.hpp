// An asynchronous resolver: questions go out over a few sockets of the loop, thousands at a time,
// and what comes back is checked, cached and shared between those who ask the same.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weft/net/address.hpp"
#include "weft/net/dns/error.hpp"
#include "weft/net/dns/message.hpp"
#include "weft/net/dns/options.hpp"
#include "weft/net/endpoint.hpp"
#include "weft/scope.hpp"
#include "weft/task.hpp"

namespace weft::inline v0::detail {
class lookups;
}

namespace weft::inline v0::net::dns {

struct answer {
  // As it came; from the cache, with times to live that have counted down. Where a server left it
  // to us to follow an alias, the aliases stand before the last message's answers.
  dns::message message = {};
  std::string name;      // whose the records are: the asked one, or where its aliases lead
  endpoint server = {};  // who said so
  bool over_tcp = false;
  bool from_cache = false;
  std::chrono::nanoseconds elapsed{0};  // from the question to here

  // The records that were asked for: those of the type that belong to `name`.
  std::vector<record> records = {};
};

// What one server said to one question.
struct reply {
  dns::message message = {};
  endpoint server = {};
  bool over_tcp = false;
  std::size_t size_bytes = 0;  // on the wire
  std::chrono::nanoseconds elapsed{0};
};

// Belongs to the loop of the scope. What it does in the background are children of that scope, and
// only while somebody waits for it. Destroyed, it ends the queries in flight with errc::closed; an
// exchange goes on. Move-only; empty once moved from, and then only to be destroyed or assigned to.
class WEFT_API resolver {
 public:
  // Borrows the scope. Throws std::invalid_argument for options that mean nothing: no attempts, no
  // time.
  explicit resolver(task_scope& tasks, resolver_options options = resolver_options::system());
  resolver(resolver&&) noexcept;
  resolver& operator=(resolver&&) noexcept;
  ~resolver();

  // Asks for the records of a type. Follows aliases (CNAME, at most 16), asks the next server when
  // one fails or does not answer in time, falls back to TCP for what is cut short and does without
  // EDNS where a server does not know it. An answer that the cache has comes without suspending.
  // Yields at least one record. The name is as parse_name takes it; ANY asks for all types.
  //
  // Throws query_error, std::invalid_argument for what is no name, std::system_error when this
  // machine has too little of something (descriptors, memory), or cancelled: then others who ask
  // the same go on waiting, and without any the question is given up. Borrows nothing: the name
  // is copied when this is called.
  [[nodiscard]] task<answer> query(std::string_view name, type asked,
                                   query_options const& options = {});

  // The IPv6 and IPv4 addresses of a name, in this order, each in the order of the server. A text
  // that is an address yields itself, and "localhost" yields ::1 and 127.0.0.1 (RFC 6761), without
  // asking. Throws as query() does, when neither question has an answer.
  [[nodiscard]] task<std::vector<address>> addresses(std::string_view name);

  // The names of an address (PTR), at least one. Throws as query() does.
  [[nodiscard]] task<std::vector<std::string>> reverse(address const& of);

  // Asks one server once and yields its message, whatever the rcode. No cache, no search, no
  // retry; the id of the message is replaced by a random one. Throws query_error (timed_out,
  // unreachable, malformed, truncated), std::invalid_argument for a message that has not exactly
  // one question, or cancelled.
  [[nodiscard]] task<reply> exchange(message question, endpoint server,
                                     exchange_options const& options = {});

  [[nodiscard]] resolver_options const& options() const noexcept;

 private:
  std::shared_ptr<detail::lookups> lookups_;
};

}  // namespace weft::inline v0::net::dns
