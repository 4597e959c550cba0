#include "nslookup/lookup.hpp"

#include <algorithm>
#include <cstdio>
#include <ranges>
#include <utility>

#include <fmt/format.h>
#include <weft/net/dns/name.hpp>
#include <weft/time.hpp>

#include "nslookup/json.hpp"
#include "nslookup/record_types.hpp"

namespace nslookup {

namespace {

// Which name comes next, when there is no such name as the last one.
class search {
 public:
  search(settings const& given, std::string const& text, bool as_is)
      : given_(given), text_(text), typed_(parse(text)), done_as_is_(as_is) {
    auto const dots = std::ranges::count(text, '.');
    if (as_is) return;
    if (dots >= given.ndots || !given.use_search) {
      done_as_is_ = true;
      searches_later_ = given.use_search;
    } else if (!given.search_list.empty()) {
      domain_ = 0;
    }
  }

  // The name to ask for; none if it is too long.
  [[nodiscard]] std::optional<std::string> name() const {
    if (!domain_) return typed_.absolute_text();
    try {
      return typed_.within(domain());
    } catch (name_too_long const&) {
      return std::nullopt;
    }
  }

  // Whether a name that does not exist is no answer yet.
  [[nodiscard]] bool is_searching() const { return domain_ || searches_later_; }

  // Goes on to the next name, if there is one.
  bool next() {
    if (!given_.use_search || typed_.absolute() || typed_.labels() > given_.ndots) return false;
    if (!is_searching()) return false;
    std::size_t const following = domain_ ? *domain_ + 1 : 0;
    bool const has_domain = following < given_.search_list.size();
    if (domain_ && !has_domain && done_as_is_) return false;
    domain_ = has_domain ? std::optional(following) : std::nullopt;
    searches_later_ = false;
    return true;
  }

 private:
  static typed_name parse(std::string const& text) {
    try {
      return typed_name(text);
    } catch (std::exception const& error) {
      throw fatal_error(fmt::format("'{}' is not a legal name ({})", text, error.what()), 10);
    }
  }

  [[nodiscard]] typed_name domain() const {
    auto const& text = given_.search_list[*domain_];
    try {
      return typed_name(text);
    } catch (std::exception const& error) {
      throw fatal_error(fmt::format("'{}' is not in legal name syntax ({})", text, error.what()),
                        1);
    }
  }

  settings const& given_;
  std::string text_;
  typed_name typed_;
  bool done_as_is_;
  bool searches_later_ = false;        // when the name as it is does not exist
  std::optional<std::size_t> domain_;  // the one in the search list, or the name as it is
};

// As many as BIND follows.
constexpr int aliases_max = 16;

// Where aliases lead in the answer.
std::string end_of_aliases(dns::message const& answer, std::string name) {
  for (int i = 0; i < aliases_max; ++i) {
    auto const alias = std::ranges::find_if(answer.answers, [&](dns::record const& each) {
      return each.type == dns::type::cname && dns::is_same_name(each.name, name);
    });
    if (alias == answer.answers.end()) break;
    name = alias->data;
  }
  return name;
}

// How asking failed, in BIND's words.
std::string_view failure_text(dns::errc kind) {
  switch (kind) {
    case dns::errc::timed_out: return "timed out";
    case dns::errc::unreachable: return "connection refused";
    case dns::errc::truncated: return "end of file";
    default: return "unexpected error";
  }
}

bool is_unconnected(lookup const& asked, dns::errc failure) {
  return asked.use_tcp && failure == dns::errc::unreachable;
}

// The name that stands for an address: its bytes, or for IPv6 its hex digits, from the last to the
// first (RFC 1035, section 3.5; RFC 3596, section 2.5). Only the first kind has a dot at the end.
std::string reverse_text(weft::net::address const& address) {
  std::string text;
  for (auto const each : std::views::reverse(address.bytes())) {
    auto const value = std::to_integer<unsigned>(each);
    text += address.is_v4() ? fmt::format("{}.", value)
                            : fmt::format("{:x}.{:x}.", value & 0xf, value >> 4);
  }
  return text + (address.is_v4() ? "in-addr.arpa." : "ip6.arpa");
}

}  // namespace

lookup make_lookup(settings const& given, std::string const& text) {
  auto type = static_cast<dns::type>(*parse_type(given.type_name));
  auto name = text;
  if (auto const address = weft::net::address::try_parse(text);
      address && text.find('%') == std::string::npos) {
    name = reverse_text(*address);
    type = dns::type::ptr;
  }
  auto const in_class = static_cast<dns::record_class>(*parse_class(given.class_name));
  // All types together are many, so BIND asks for them over TCP.
  bool const is_large = type == dns::type::any && !given.tcp_was_chosen;
  return {.question = {name, type, in_class},
          .use_tcp = is_large || given.use_tcp || type == dns::type::axfr,
          .recurse = given.recurse,
          .tries = given.tries,
          .goes_on_at_servfail = given.goes_on_at_servfail};
}

weft::task<> lookup_runner::run(lookup asked) {
  printed_ = {};
  auto const found = co_await find(asked, false);
  if (found.empty() || !given_.asks_both || asked.question.type != dns::type::a) co_return;
  asked.question.text = shown_name(found);
  asked.question.type = dns::type::aaaa;
  asked.tries = given_.tries;
  co_await find(asked, true);
}

weft::task<std::string> lookup_runner::find(lookup& asked, bool as_is) {
  search names(given_, asked.question.text, as_is);
  std::string end;
  for (bool goes_on = true; goes_on;) {
    auto const name = names.name();
    if (!name) {
      goes_on = names.next();
      continue;
    }
    auto const answer = co_await ask_servers(asked, *name);
    if (!answer) co_return std::string();
    auto const rcode = answer->reply.message.rcode;
    goes_on = rcode == dns::rcode::nxdomain && names.is_searching() && names.next();
    if (!goes_on || given_.debug) print(asked, *name, *answer);
    if (rcode == dns::rcode::noerror) end = end_of_aliases(answer->reply.message, *name);
  }
  co_return end;
}

void lookup_runner::print(lookup const& asked, std::string const& name,
                          given_answer const& answer) {
  auto const& message = answer.reply.message;
  answered_ = true;
  if (message.rcode != dns::rcode::noerror) failed_ = true;
  if (as_json_)
    fmt::print("{}\n", json_text(shown_name(name), asked.question.type, answer.reply,
                                 answer.reply.elapsed));
  else
    print_answer(given_, asked.question, name, answer.from, message, printed_);
  bool const has_failed = message.answers.empty() && asked.question.type == dns::type::axfr;
  if (has_failed && !as_json_) fmt::print("; Transfer failed.\n");
}

// Why another server may know better; empty if this answer is good.
std::string_view lookup_runner::trouble_with(lookup const& asked,
                                             dns::message const& answer) const {
  if (answer.rcode == dns::rcode::servfail && asked.goes_on_at_servfail) return "SERVFAIL reply";
  if (given_.needs_recursion && !answer.ra && asked.recurse) return "recursion not available";
  return {};
}

// The first server may be asked several times, each of the others once. A question over TCP that
// fails begins anew with the first one.
weft::task<lookup_runner::maybe_answer> lookup_runner::ask_servers(lookup& asked,
                                                                   std::string name) {
  auto const begin = weft::now();
  auto const servers = given_.servers;
  auto failure = dns::errc::timed_out;
  for (std::size_t i = 0; i < servers.size();) {
    auto const& to = servers[i];
    if (to.address.is_v4_mapped()) {
      comment(fmt::format("Skipping mapped address '{}'", to.address.to_string()));
      if (++i < servers.size()) continue;
      comment("No acceptable nameservers");
      co_return std::nullopt;
    }
    auto attempt = co_await ask(asked, name, to);
    if (!attempt.reply) {
      failure = attempt.failure;
      if (asked.tries <= 1) {
        ++i;
      } else {
        --asked.tries;
        if (asked.use_tcp) i = 0;
        if (is_unconnected(asked, attempt.failure)) comment("no servers could be reached");
      }
      continue;
    }
    auto const& answer = attempt.reply->message;
    if (answer.tc && !asked.use_tcp) {
      comment("Truncated, retrying in TCP mode.");
      asked.use_tcp = true;
      i = 0;
      continue;
    }
    bool const is_last = i + 1 == servers.size();
    if (auto const trouble = trouble_with(asked, answer); !trouble.empty()) {
      comment(fmt::format("Got {} from {}{}", trouble, to.address.to_string(),
                          is_last ? "" : ", trying next server"));
      ++i;
      if (!is_last) continue;
    }
    co_return given_answer{*std::move(attempt.reply), to};
  }
  comment("no servers could be reached");
  if (as_json_)
    fmt::print("{}\n", json_failure_text(shown_name(name), asked.question.type,
                                         json_failure_name(failure), weft::now() - begin));
  co_return std::nullopt;
}

// Says why when there is no reply.
weft::task<lookup_runner::attempt> lookup_runner::ask(lookup const& asked, std::string const& name,
                                                      server const& to) {
  auto query = dns::make_query(name, asked.question.type, asked.question.record_class);
  query.rd = asked.recurse && asked.question.type != dns::type::axfr;
  query.edns.reset();  // BIND's nslookup asks as in 1987
  auto const at = given_.endpoint_of(to);
  dns::exchange_options const options{.timeout = given_.timeout(asked.use_tcp),
                                      .use_tcp = asked.use_tcp,
                                      .tcp_on_truncation = false};
  attempt made;
  try {
    made.reply = co_await resolver_.exchange(std::move(query), at, options);
  } catch (dns::query_error const& error) {
    made.failure = error.kind();
  }
  if (made.reply) co_return made;
  auto const why = failure_text(made.failure);
  if (is_unconnected(asked, made.failure))
    comment(fmt::format("Connection to {}({}) for {} failed: {}.", endpoint_text(at),
                        to.address.to_string(), asked.question.text, why));
  else
    comment(fmt::format("communications error to {}: {}", endpoint_text(at), why));
  co_return made;
}

void lookup_runner::comment(std::string const& text) const {
  fmt::print(given_.talk, ";; {}\n", text);
}

}  // namespace nslookup
