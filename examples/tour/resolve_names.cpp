// Names: a server that takes its time, asked one by one and all at once, and by another program.
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <weft/net.hpp>
#include <weft/net/dns/resolver.hpp>
#include <weft/weft.hpp>

#include "steps.hpp"

using namespace std::chrono_literals;
namespace net = weft::net;
namespace dns = weft::net::dns;

namespace tour {

namespace {

constexpr int names_at_once = 2'000;
constexpr int names_one_by_one = 10;
constexpr int latency_ms = 20;

std::string name_of(int number) { return fmt::format("host{}.tour.example", number); }

std::string zone() {
  std::string text =
      "$ORIGIN tour.example.\n$TTL 60\n@ IN SOA ns1 admin 1 2 3 4 5\n@ IN NS ns1\nns1 IN A "
      "192.0.2.1\n";
  for (int i = 0; i < names_at_once + names_one_by_one; ++i)
    text += fmt::format("host{} IN A 10.0.{}.{}\n", i, i / 256, i % 256);
  return text;
}

// Starts it, and yields where it listens, which is what it says first.
weft::task<net::endpoint> start(weft::child_process& server, std::string const& programs,
                                std::string const& zone_file) {
  server = weft::command(programs + "/dns_server", "--port", "0", "--zone", zone_file, "--latency",
                         std::to_string(latency_ms))
               .spawn();
  weft::buffered_reader said(server.output);
  auto const line = co_await said.line();
  if (!line || !line->starts_with("listening on "))
    throw std::runtime_error("dns_server did not start");
  auto const at = line->substr(13);
  co_return net::endpoint::parse(at.substr(0, at.find(' ')));
}

weft::task<> ask_all(dns::resolver& resolver, narrator& out) {
  std::size_t done = 0;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    for (int i = 0; i < names_at_once; ++i)
      tasks.spawn([&, i]() -> weft::task<> {
        (void)co_await resolver.query(name_of(names_one_by_one + i), dns::type::a);
        ++done;
        out.show_progress(done, names_at_once);
      });
    co_return;
  });
}

// The system's, or ours where there is none.
weft::task<> run_nslookup(narrator& out, std::string const& programs, net::endpoint server) {
  std::vector<std::string> const arguments{"-port=" + std::to_string(server.port()), name_of(7),
                                           server.address().to_string()};
  auto tried = co_await weft::as_result(weft::command("nslookup").arguments(arguments).output());
  bool const has_one = tried.has_value();
  auto const told =
      has_one ? *std::move(tried)
              : co_await weft::command(programs + "/nslookup").arguments(arguments).output();
  out.quote_all(told.out);
  out.measured("nslookup",
               fmt::format("{}: {}", has_one ? "the system's" : "Weft's", told.status.to_string()));
}

}  // namespace

weft::task<> resolve_names(narrator& out, std::string programs) {
  out.begin(
      "Names, one by one and all at once",
      fmt::format("A name server of ours on this machine waits {} ms before each answer, as if "
                  "it were far away. It is asked for {} names one after another, then for "
                  "{} at once, and at last by nslookup, another program.",
                  latency_ms, names_one_by_one, number_text(names_at_once)));
  co_await weft::fs::temp_dir([&](std::string const& directory) -> weft::task<> {
    auto const file = directory + "/zone";
    co_await weft::fs::write_file(file, zone());
    weft::child_process server;
    auto const at = co_await start(server, programs, file);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      dns::resolver resolver(tasks, {.servers = {at}});
      auto const begun = weft::now();
      for (int i = 0; i < names_one_by_one; ++i)
        (void)co_await resolver.query(name_of(i), dns::type::a);
      auto const one_by_one = (weft::now() - begun) / names_one_by_one;
      out.measured("one by one", duration_text(one_by_one) + " a name");
      auto const begun_all = weft::now();
      co_await ask_all(resolver, out);
      auto const took = weft::now() - begun_all;
      out.measured(fmt::format("{} at once", number_text(names_at_once)), duration_text(took));
      out.measured("that is", fmt::format("{} times as many a second",
                                          number_text(static_cast<double>(names_at_once) *
                                                      static_cast<double>(one_by_one.count()) /
                                                      static_cast<double>(took.count()))));
    });
    co_await run_nslookup(out, programs, at);
    server.terminate();
    co_await server.wait();
  });
  out.lesson(
      "What waits for others can wait for all of them at once, in one thread. A foreign "
      "program is awaited like anything else, and dies with its task.");
}

}  // namespace tour
