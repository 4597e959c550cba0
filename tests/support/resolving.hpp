// A resolver beside scripted name servers, and the common scripts and questions.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "support/name_server.hpp"
#include "weft/net/dns/resolver.hpp"
#include "weft/result.hpp"
#include "weft/scope.hpp"

namespace support {

namespace dns = weft::net::dns;

using request = name_server::request;
using servers = std::vector<name_server*>;
using texts = std::vector<std::string>;

// Lets the resolver ask those servers, with patience where none is silent.
inline dns::resolver_options asking(servers const& asked) {
  dns::resolver_options options;
  for (auto const* const server : asked) options.servers.push_back(server->at());
  return options;
}

// Runs `body` with a resolver whose background work has ended when it returns.
inline weft::task<> with_resolver(
    dns::resolver_options options,
    std::function<weft::task<>(dns::resolver&, weft::task_scope&)> body) {
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    dns::resolver asked(tasks, std::move(options));
    co_await body(asked, tasks);
  });
}

// Runs `body` with a resolver that asks the servers, beside them.
inline weft::task<> resolving(servers asked, dns::resolver_options options,
                              std::function<weft::task<>(dns::resolver&)> body) {
  co_await beside(asked, [&]() -> weft::task<> {
    co_await with_resolver(
        options, [&](dns::resolver& resolver, weft::task_scope&) { return body(resolver); });
  });
}

inline weft::task<> resolving(servers asked, std::function<weft::task<>(dns::resolver&)> body) {
  return resolving(asked, asking(asked), std::move(body));
}

inline texts data_of(std::vector<dns::record> const& records) {
  texts data;
  for (auto const& one : records) data.push_back(one.data);
  return data;
}

inline weft::task<texts> answers_of(dns::resolver& asked, std::string_view name,
                                    dns::type of = dns::type::a) {
  auto const got = co_await asked.query(name, of);
  co_return data_of(got.records);
}

// The code that a query ends with; none if it has an answer.
inline weft::task<std::error_code> failure_of(dns::resolver& asked, std::string_view name,
                                              dns::type of = dns::type::a) {
  auto const got = co_await weft::as_result(asked.query(name, of));
  co_return got.error();
}

// The text of what a query throws.
inline weft::task<std::string> complaint_of(dns::resolver& asked, std::string_view name,
                                            dns::type of = dns::type::a) {
  try {
    co_await asked.query(name, of);
    co_return "there was an answer";
  } catch (dns::query_error const& error) {
    co_return error.what();
  }
}

// --- scripts

inline weft::task<> say_nothing(request&) { co_return; }

inline weft::task<> say_address(request& came) {
  co_await came.send(came.answer({came.query.questions[0].name + " 300 IN A 192.0.2.1"}));
}

inline name_server::script saying(dns::rcode code) {
  return [code](request& came) -> weft::task<> { co_await came.send(came.failure(code)); };
}

// Records, whatever the question is.
inline name_server::script saying(texts lines) {
  return [lines](request& came) -> weft::task<> { co_await came.send(came.answer(lines)); };
}

// That there is nothing, for 60 seconds.
inline name_server::script saying_none(dns::rcode code) {
  return [code](request& came) -> weft::task<> {
    auto said = came.failure(code);
    said.authorities = {
        dns::record::parse("example. 600 IN SOA ns.example. host.example. 1 2 3 4 60")};
    co_await came.send(said);
  };
}

}  // namespace support
