// What is found in messages, and for how long it is kept.
#include "dns/cache.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using namespace weft::net::dns;
using weft::detail::answer_cache;
using weft::detail::find;
using weft::detail::finding;
using weft::detail::settled;

namespace {

std::shared_ptr<settled const> answer_for(std::chrono::seconds holds,
                                          weft::clock::time_point at = {}) {
  auto made = std::make_shared<settled>();
  made->found.holds_for = holds;
  made->at = at;
  return made;
}

message said(std::vector<std::string> const& answers,
             std::vector<std::string> const& authorities = {}) {
  message made;
  for (auto const& line : answers) made.answers.push_back(record::parse(line));
  for (auto const& line : authorities) made.authorities.push_back(record::parse(line));
  return made;
}

finding found_in(message const& in) {
  unsigned followed = 0;
  return find(in, {"www.example.", type::a}, followed);
}

constexpr std::size_t roomy = 1 << 20;

weft::clock::time_point at(std::chrono::nanoseconds time) { return weft::clock::time_point(time); }

}  // namespace

TEST_CASE("what is kept is found until it no longer holds") {
  answer_cache cache(10, roomy);
  auto const kept = answer_for(5s);
  cache.keep("a", kept, at(0s));
  CHECK(cache.find("a", at(4999ms)) == kept);
  CHECK(cache.find("b", at(0s)) == nullptr);
  CHECK(cache.size() == 1);
  CHECK(cache.find("a", at(5s)) == nullptr);
  CHECK(cache.size() == 0);
}

TEST_CASE("a newer answer takes the place of an older one") {
  answer_cache cache(10, roomy);
  cache.keep("a", answer_for(5s), at(0s));
  auto const newer = answer_for(5s, at(3s));
  cache.keep("a", newer, at(3s));
  CHECK(cache.find("a", at(7s)) == newer);
  CHECK(cache.size() == 1);
  cache.keep("a", answer_for(0s, at(4s)), at(4s));  // it holds no more
  CHECK(cache.find("a", at(4s)) == nullptr);
}

TEST_CASE("of too many, the least recently used goes first") {
  answer_cache cache(3, roomy);
  for (auto const* key : {"a", "b", "c"}) cache.keep(key, answer_for(5s), at(0s));
  CHECK(cache.find("a", at(1s)) != nullptr);
  cache.keep("d", answer_for(5s), at(1s));
  CHECK(cache.size() == 3);
  CHECK(cache.find("b", at(1s)) == nullptr);
  for (auto const* key : {"a", "c", "d"}) CHECK(cache.find(key, at(1s)) != nullptr);
  for (int i = 0; i < 1'000; ++i) cache.keep(std::to_string(i), answer_for(5s), at(1s));
  CHECK(cache.size() == 3);
}

TEST_CASE("long answers count for more, and one that is larger than the cache is not kept") {
  auto const long_answer = [](int records) {
    settled made;
    made.found.holds_for = 5s;
    made.message.answers.assign(static_cast<std::size_t>(records),
                                record::parse("www.example. 5 IN TXT some text of any length"));
    return std::make_shared<settled const>(std::move(made));
  };
  std::size_t const size = weft::detail::bytes_of(*long_answer(100));
  CHECK(size > 100 * sizeof(record));
  CHECK(weft::detail::bytes_of(*long_answer(200)) > size * 19 / 10);
  answer_cache cache(1'000, 3 * size);
  for (int i = 0; i < 100; ++i) cache.keep(std::to_string(i), long_answer(100), at(0s));
  CHECK(cache.size() == 2);  // and their keys
  CHECK(cache.find("99", at(1s)) != nullptr);
  cache.keep("many", long_answer(400), at(1s));
  CHECK(cache.find("many", at(1s)) == nullptr);
  CHECK(cache.size() == 2);
  for (int i = 0; i < 100; ++i) cache.keep(std::to_string(i), answer_for(5s), at(1s));
  CHECK(cache.size() == 100);
}

TEST_CASE("a cache without room keeps nothing") {
  answer_cache cache(0, roomy);
  cache.keep("a", answer_for(5s), at(0s));
  CHECK(cache.size() == 0);
}

TEST_CASE("records hold as long as the shortest of the chain to them, and at most a day") {
  CHECK(found_in(said({"www.example. 300 IN A 192.0.2.1", "www.example. 200 IN A 192.0.2.2"}))
            .holds_for == 200s);
  CHECK(found_in(said({"www.example. 100 IN CNAME a.example.", "a.example. 300 IN A 192.0.2.1"}))
            .holds_for == 100s);
  CHECK(found_in(said({"www.example. 2147483647 IN A 192.0.2.1"})).holds_for == 24h);
}

TEST_CASE(
    "that there is nothing holds as the SOA record says, at most hours, and else not at all") {
  auto const soa = [](std::string const& ttl, std::string const& minimum) {
    return "example. " + ttl + " IN SOA n.example. h.example. 1 2 3 4 " + minimum;
  };
  CHECK(found_in(said({}, {soa("600", "60")})).holds_for == 60s);
  CHECK(found_in(said({}, {soa("30", "60")})).holds_for == 30s);
  CHECK(found_in(said({}, {soa("100000", "100000")})).holds_for == 3h);
  CHECK(found_in(said({}, {"example. 5 IN NS ns.example."})).holds_for == 0s);
  auto const aliased = found_in(said({"www.example. 20 IN CNAME a.example."}, {soa("600", "60")}));
  CHECK(aliased.none == errc::nodata);
  CHECK_FALSE(aliased.is_open);
  CHECK(aliased.holds_for == 20s);
}

TEST_CASE("aliases are followed in any order and any case, and only for the question's class") {
  auto const found =
      found_in(said({"b.example. 5 IN A 192.0.2.1", "A.example. 5 IN CNAME B.example.",
                     "WWW.example. 5 IN CNAME a.example."}));
  CHECK(found.name == "B.example.");
  CHECK(found.records.size() == 1);
  CHECK(
      found_in(said({"www.example. 5 CH CNAME a.example.", "a.example. 5 IN A 192.0.2.1"})).none ==
      errc::nodata);
  auto const open = found_in(said({"www.example. 5 IN CNAME a.example."}));
  CHECK(open.is_open);
  CHECK(open.name == "a.example.");
}

TEST_CASE("as many aliases as allowed are followed, and no more") {
  auto const chain = [](int length) {
    std::vector<std::string> lines{"x" + std::to_string(length) + ".example. 5 IN A 192.0.2.1",
                                   "www.example. 5 IN CNAME x1.example."};
    for (int i = 1; i < length; ++i)
      lines.push_back("x" + std::to_string(i) + ".example. 5 IN CNAME x" + std::to_string(i + 1) +
                      ".example.");
    return found_in(said(lines));
  };
  CHECK(chain(16).records.size() == 1);
  CHECK(chain(17).none == errc::cname_loop);
}
