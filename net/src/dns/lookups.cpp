// See lookups.hpp.
#include "dns/lookups.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "dns/name.hpp"

namespace weft::inline v0::detail {

using net::dns::errc;
using net::dns::query_error;
using net::dns::query_options;
using net::dns::question;

struct lookups::lookup {
  explicit lookup(std::string of) : key(std::move(of)) {}

  std::string key;
  join_handle<void> task;
  std::size_t tickets = 0;
  event ended;
  std::shared_ptr<settled const> answer;
  std::exception_ptr error;  // why there is none
};

namespace {

enum key_flag : unsigned char { key_recurse = 1, key_dnssec_ok = 2, key_of_name_alone = 4 };

// All questions have the same key whose answers are the same.
std::string key_of(question const& asked, query_options const& options, unsigned more = 0) {
  auto key = name_key(asked.name);
  for (auto const number :
       {static_cast<std::uint16_t>(asked.type), static_cast<std::uint16_t>(asked.record_class)}) {
    key += static_cast<char>(number >> 8);
    key += static_cast<char>(number);
  }
  key += static_cast<char>((options.recurse ? key_recurse : 0) |
                           (options.dnssec_ok ? key_dnssec_ok : 0) | more);
  return key;
}

// The key of what holds for all types of a name: that there is no such name.
std::string key_of_name(question asked, query_options const& options) {
  asked.type = net::dns::type{0};
  return key_of(asked, options, key_of_name_alone);
}

}  // namespace

lookups::lookups(task_scope& tasks, net::dns::resolver_options options)
    : tasks_(tasks),
      options_(std::move(options)),
      servers_(tasks, options_),
      cache_(options_.cache_size, options_.cache_bytes) {}

void lookups::close() noexcept {
  is_closed_ = true;
  for (auto const& [key, one] : running_) one->task.cancel();
}

std::shared_ptr<settled const> lookups::cached(std::string const& key, question const& asked,
                                               query_options const& options) {
  auto const time = now();
  auto kept = cache_.find(key, time);
  return kept ? kept : cache_.find(key_of_name(asked, options), time);
}

std::shared_ptr<lookups::lookup> lookups::join(std::string key, question const& asked,
                                               query_options const& options) {
  if (is_closed_) throw query_error(errc::closed, query_text(asked, options_.servers));
  auto const [place, is_new] = running_.try_emplace(std::move(key));
  if (!is_new) return place->second;
  try {
    place->second = std::make_shared<lookup>(place->first);
    place->second->task = tasks_.spawn(run(shared_from_this(), place->second, asked, options));
  } catch (...) {
    running_.erase(place);
    throw;
  }
  return place->second;
}

void lookups::forget(lookup const& ended) noexcept {
  auto const place = running_.find(ended.key);
  if (place != running_.end() && place->second.get() == &ended) running_.erase(place);
}

// It throws nothing but cancelled, which is no failure of the scope. The handle keeps the frame of
// this, which keeps the lookup: so it must go at the end.
task<> lookups::run(std::shared_ptr<lookups> home, std::shared_ptr<lookup> running, question asked,
                    query_options options) {
  struct at_end {
    lookups& home;
    lookup& ended;
    ~at_end() {
      home.forget(ended);
      ended.task = {};
      ended.ended.set();
    }
  } const ending{*home, *running};
  try {
    auto found = co_await home->settle(asked, options);
    auto const answer = std::make_shared<settled const>(std::move(found));
    bool const is_about_name =
        answer->found.none == errc::nxdomain && has_same_key(answer->found.name, asked.name);
    home->cache_.keep(is_about_name ? key_of_name(asked, options) : running->key, answer,
                      answer->at);
    running->answer = answer;
  } catch (cancelled const&) {
    throw;
  } catch (...) {
    running->error = std::current_exception();
  }
}

// Mostly one message says it all. A server that leaves the end of a chain of aliases to us is asked
// for that, and then the chain is put together.
task<settled> lookups::settle(question const& asked, query_options const& options) {
  std::vector<net::dns::record> chain;
  auto holds_for = std::chrono::seconds::max();
  unsigned followed = 0;
  for (question next = asked;;) {
    auto said = co_await servers_.ask(next, options);
    auto found = find(said.message, next, followed);
    if (found.none == errc::cname_loop)
      throw query_error(errc::cname_loop, query_text(asked, std::span(&said.server, 1)));
    auto& answers = said.message.answers;
    holds_for = std::min(holds_for, found.holds_for);
    if (found.is_open) {
      chain.insert(chain.end(), answers.begin(), answers.end());
      next.name = found.name;
      continue;
    }
    found.holds_for = holds_for;
    answers.insert(answers.begin(), chain.begin(), chain.end());
    said.message.questions.assign(1, asked);
    co_return settled{std::move(found), std::move(said.message), said.server, said.over_tcp, now()};
  }
}

lookups::ticket::ticket(std::shared_ptr<lookups> home, question const& asked,
                        query_options const& options)
    : home_(std::move(home)), asked_(asked) {
  auto key = key_of(asked, options);
  if (options.use_cache) cached_ = home_->cached(key, asked, options);
  if (cached_) return;
  lookup_ = home_->join(std::move(key), asked, options);
  ++lookup_->tickets;
}

lookups::ticket::~ticket() {
  if (!lookup_ || --lookup_->tickets != 0 || lookup_->ended.is_set()) return;
  home_->forget(*lookup_);
  lookup_->task.cancel();
}

task<std::shared_ptr<settled const>> lookups::ticket::outcome() {
  if (cached_) co_return cached_;
  co_await lookup_->ended.wait();
  if (lookup_->error) std::rethrow_exception(lookup_->error);
  if (!lookup_->answer)
    throw query_error(errc::closed, query_text(asked_, home_->options().servers));
  co_return lookup_->answer;
}

}  // namespace weft::inline v0::detail
