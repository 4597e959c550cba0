// The resolver: from the names that people write to questions, and from what was found to answers.
#include "weft/net/dns/resolver.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "dns/lookups.hpp"
#include "dns/name.hpp"
#include "weft/net/dns/name.hpp"

namespace weft::inline v0::net::dns {

using detail::lookups;
using detail::settled;

namespace {

resolver_options checked(resolver_options options) {
  if (options.attempts < 1 || options.timeout <= std::chrono::nanoseconds(0))
    throw std::invalid_argument("weft: a resolver that makes no attempt, or has no time for it");
  if (options.servers.empty()) options.servers.emplace_back(address::loopback_v4(), 53);
  for (auto& domain : options.search) domain = parse_name(domain);
  return options;
}

// A dot at the end that is not part of a label.
bool is_absolute(std::string_view name) {
  if (!name.ends_with('.')) return false;
  name.remove_suffix(1);
  auto const before = name.find_last_not_of('\\');
  auto const escapes = name.size() - (before == name.npos ? 0 : before + 1);
  return escapes % 2 == 0;
}

std::ptrdiff_t dots_in(std::string_view name) {
  detail::wire_name const read = detail::to_wire_name(name);
  std::ptrdiff_t labels = 0;
  for (auto rest = read.bytes(); rest.size() > 1;
       rest = rest.subspan(1 + std::to_integer<std::size_t>(rest[0])))
    ++labels;
  return labels - 1;
}

struct candidate {
  std::string name;
  bool is_as_given;
};

// What a name may mean, in the order to try it. See resolv.conf(5), "search" and "ndots".
std::vector<candidate> candidates_for(std::string_view name, resolver_options const& options,
                                      bool search) {
  auto const given = parse_name(name);
  std::vector<candidate> tried;
  if (search && !is_absolute(name)) {
    for (auto const& domain : options.search) {
      auto longer = domain == "." ? given : given + domain;
      detail::wire_name valid;
      if (detail::read_name(longer, valid) == nullptr) tried.push_back({std::move(longer), false});
    }
  }
  bool const is_first = tried.empty() || dots_in(given) >= options.ndots;
  tried.insert(is_first ? tried.begin() : tried.end(), {given, true});
  return tried;
}

answer to_answer(settled const& known, bool from_cache, clock::time_point begun) {
  auto const time = now();
  answer made{.message = known.message,
              .name = known.found.name,
              .server = known.server,
              .over_tcp = known.over_tcp,
              .from_cache = from_cache,
              .elapsed = time - begun,
              .records = known.found.records};
  auto const age = std::chrono::floor<std::chrono::seconds>(time - known.at);
  if (age.count() == 0) return made;
  for (auto* const section :
       {&made.message.answers, &made.message.authorities, &made.message.additionals, &made.records})
    for (record& one : *section) one.ttl = std::max(one.ttl - age, std::chrono::seconds(0));
  return made;
}

// What of several failures to tell, as res_search(3) does. What is not about the name ends a
// search.
int weight_of(errc failure) noexcept {
  switch (failure) {
    case errc::nxdomain: return 1;
    case errc::servfail: return 2;
    case errc::nodata: return 3;
    default: return 4;
  }
}

// And between the types of one name: what may pass with time tells more than what will not, as
// getaddrinfo(3) has it.
int weight_for_name_of(errc failure) noexcept {
  switch (failure) {
    case errc::nodata: return 1;
    case errc::nxdomain: return 2;
    case errc::servfail: return 3;
    default: return 4;
  }
}

void keep_worse(std::optional<query_error>& worst, query_error const& failed) {
  if (!worst || weight_for_name_of(failed.kind()) > weight_for_name_of(worst->kind()))
    worst.emplace(failed);
}

// The failure of a search that tells most; between equal ones that of the name as it was given.
class failure_of_search {
 public:
  void note(query_error const& failed, bool is_as_given) {
    int const weight = 2 * weight_of(failed.kind()) + (is_as_given ? 1 : 0);
    if (weight <= weight_) return;
    weight_ = weight;
    telling_ = std::make_exception_ptr(failed);
  }
  [[nodiscard]] bool ends_it() const noexcept { return weight_ >= 2 * 4; }
  [[noreturn]] void raise() const { std::rethrow_exception(telling_); }

 private:
  int weight_ = 0;
  std::exception_ptr telling_;
};

// The answers to all those questions that have one, for the first candidate that has any.
task<std::vector<answer>> search(std::shared_ptr<lookups> home, std::string name,
                                 std::vector<type> types, query_options options) {
  auto const begun = now();
  failure_of_search failures;
  for (auto const& [full_name, is_as_given] :
       candidates_for(name, home->options(), options.search)) {
    std::vector<std::unique_ptr<lookups::ticket>> tickets;
    tickets.reserve(types.size());
    for (type const asked : types)
      tickets.push_back(std::make_unique<lookups::ticket>(
          home, question{full_name, asked, options.record_class}, options));
    std::vector<answer> answers;
    std::optional<query_error> worst;
    for (std::size_t i = 0; i < tickets.size(); ++i) {
      try {
        auto const known = co_await tickets[i]->outcome();
        if (!known->found.none) {
          answers.push_back(to_answer(*known, tickets[i]->is_from_cache(), begun));
          continue;
        }
        question const asked{full_name, types[i], options.record_class};
        keep_worse(worst, query_error(*known->found.none,
                                      detail::query_text(asked, std::span(&known->server, 1))));
      } catch (query_error const& error) {
        keep_worse(worst, error);
      }
    }
    if (worst) failures.note(*worst, is_as_given);
    if (!answers.empty()) co_return answers;
    if (failures.ends_it()) break;
  }
  failures.raise();
}

task<answer> query_of(std::shared_ptr<lookups> home, std::string name, type asked,
                      query_options options) {
  auto answers = co_await search(std::move(home), std::move(name), {asked}, options);
  co_return std::move(answers.front());
}

bool is_localhost(std::string_view name) {
  auto const key = detail::name_key(name);
  return key == "localhost." || key.ends_with(".localhost.");
}

std::optional<address> address_of(record const& one) {
  std::span<std::byte const> const data(one.rdata);
  if (one.type == type::a && data.size() == 4) return address::v4(data.first<4>());
  if (one.type == type::aaaa && data.size() == 16) return address::v6(data.first<16>());
  return std::nullopt;
}

task<std::vector<address>> addresses_of(std::shared_ptr<lookups> home, std::string name) {
  std::vector<address> found;
  if (auto const given = address::try_parse(name)) {
    found.push_back(*given);
    co_return found;
  }
  if (is_localhost(parse_name(name))) {
    found = {address::loopback_v6(), address::loopback_v4()};
    co_return found;
  }
  std::vector<type> const types{type::aaaa, type::a};
  auto const answers = co_await search(std::move(home), std::move(name), types, {});
  for (auto const& one : answers)
    for (auto const& record : one.records)
      if (auto const read = address_of(record)) found.push_back(*read);
  co_return found;
}

task<std::vector<std::string>> names_of(std::shared_ptr<lookups> home, address of) {
  query_options const options{.search = false};
  auto const known = co_await query_of(std::move(home), reverse_name(of), type::ptr, options);
  std::vector<std::string> names;
  names.reserve(known.records.size());
  for (auto const& one : known.records) names.push_back(one.data);
  co_return names;
}

task<reply> exchange_with(std::shared_ptr<lookups> home, message question, endpoint server,
                          exchange_options options) {
  co_return co_await home->servers().exchange(server, std::move(question), options);
}

}  // namespace

resolver::resolver(task_scope& tasks, resolver_options options)
    : lookups_(std::make_shared<lookups>(tasks, checked(std::move(options)))) {}

resolver::resolver(resolver&&) noexcept = default;

resolver& resolver::operator=(resolver&& other) noexcept {
  if (this != &other) {
    if (lookups_) lookups_->close();
    lookups_ = std::move(other.lookups_);
  }
  return *this;
}

resolver::~resolver() {
  if (lookups_) lookups_->close();
}

task<answer> resolver::query(std::string_view name, type asked, query_options const& options) {
  return query_of(lookups_, std::string(name), asked, options);
}

task<std::vector<address>> resolver::addresses(std::string_view name) {
  return addresses_of(lookups_, std::string(name));
}

task<std::vector<std::string>> resolver::reverse(address const& of) {
  return names_of(lookups_, of);
}

task<reply> resolver::exchange(message question, endpoint server, exchange_options const& options) {
  return exchange_with(lookups_, std::move(question), server, options);
}

resolver_options const& resolver::options() const noexcept { return lookups_->options(); }

}  // namespace weft::inline v0::net::dns
