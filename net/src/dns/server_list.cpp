// See server_list.hpp.
#include "dns/server_list.hpp"

#include <algorithm>
#include <optional>

#include "weft/net/dns/error.hpp"

namespace weft::inline v0::detail {

using net::endpoint;
using net::dns::errc;
using net::dns::message;
using net::dns::query_error;
using net::dns::query_options;
using net::dns::question;
using net::dns::rcode;
using net::dns::reply;
using net::dns::type;

namespace {

// A server that points elsewhere instead of asking there does not serve us.
bool is_referral(message const& said) {
  auto const says = [&said](type of) {
    return std::ranges::find(said.authorities, of, &net::dns::record::type) !=
           said.authorities.end();
  };
  return !said.aa && !said.ra && said.answers.empty() && says(type::ns) && !says(type::soa);
}

// Why a message is no answer; none if it is one.
std::optional<errc> failure_in(message const& said) {
  switch (said.rcode) {
    case rcode::noerror:
    case rcode::nxdomain: break;
    case rcode::formerr: return errc::formerr;
    case rcode::servfail: return errc::servfail;
    case rcode::notimp: return errc::notimp;
    case rcode::refused: return errc::refused;
    default: return errc::bad_rcode;
  }
  if (said.tc) return errc::truncated;
  if (is_referral(said)) return errc::refused;
  return std::nullopt;
}

// Whether asking again may help. What else a server says, it would say again.
bool is_passing(errc failure) noexcept {
  switch (failure) {
    case errc::timed_out:
    case errc::unreachable:
    case errc::servfail:
    case errc::malformed:
    case errc::truncated: return true;
    default: return false;
  }
}

}  // namespace

server_list::server_list(task_scope& tasks, net::dns::resolver_options const& options)
    : tasks_(tasks), options_(options) {
  for (auto const& server : options.servers)
    listed_.push_back(std::make_shared<upstream>(tasks, server));
}

task<reply> server_list::ask(question const& asked, query_options const& options) {
  std::optional<errc> failure;
  std::size_t const first = options_.rotate ? turns_++ : 0;
  bool may_help = true;
  for (int attempt = 0; attempt < options_.attempts && may_help; ++attempt) {
    may_help = false;
    for (std::size_t i = 0; i < listed_.size(); ++i) {
      upstream& server = *listed_[(first + i) % listed_.size()];
      try {
        auto said = co_await ask_one(server, asked, options);
        failure = failure_in(said.message);
        if (!failure) co_return said;
      } catch (query_error const& error) {
        if (error.kind() == errc::closed) throw;
        failure = error.kind();
      }
      may_help = may_help || is_passing(*failure);
    }
  }
  throw query_error(failure.value(), query_text(asked, options_.servers));
}

// A server that does not know EDNS may refuse to read the question (RFC 6891, section 7).
task<reply> server_list::ask_one(upstream& server, question const& asked,
                                 query_options const& options) {
  message query;
  query.rd = options.recurse;
  query.questions.push_back(asked);
  if (server.knows_edns && options_.edns_size != 0)
    query.edns = net::dns::edns{.udp_size = options_.edns_size, .dnssec_ok = options.dnssec_ok};
  net::dns::exchange_options const how{.timeout = options_.timeout, .use_tcp = options_.use_tcp};
  auto said = co_await server.exchange(query, how);
  auto const refuses = [](reply const& by) {
    return by.message.rcode == rcode::formerr || by.message.rcode == rcode::notimp;
  };
  if (!query.edns || said.message.edns || !refuses(said)) co_return said;
  query.edns.reset();
  auto plain = co_await server.exchange(query, how);
  if (!refuses(plain)) server.knows_edns = false;  // or EDNS was not the reason
  co_return plain;
}

task<reply> server_list::exchange(endpoint server, message query,
                                  net::dns::exchange_options options) {
  auto const asked = at(server);
  co_return co_await asked->exchange(query, options);
}

std::shared_ptr<upstream> server_list::at(endpoint const& server) {
  for (std::size_t i = 0; i < listed_.size(); ++i)
    if (options_.servers[i] == server) return listed_[i];
  if (others_.size() >= others_max_) {
    std::erase_if(others_, [](auto const& other) { return other.second.expired(); });
    others_max_ = std::max(others_max_, 2 * others_.size());
  }
  auto& known = others_[server];
  auto asked = known.lock();
  if (!asked) known = asked = std::make_shared<upstream>(tasks_, server);
  return asked;
}

}  // namespace weft::inline v0::detail
