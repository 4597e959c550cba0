// Resolves so many names of bulk.example with so many in flight: on Weft.
//   weft PORT NAMES IN_FLIGHT
#include <fmt/format.h>
#include <weft/net.hpp>
#include <weft/net/dns/resolver.hpp>
#include <weft/weft.hpp>

#include "names.hpp"

namespace dns = weft::net::dns;

namespace {

weft::task<> resolve_all(std::uint16_t port, bench::names& names, std::size_t in_flight) {
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    dns::resolver_options options;
    options.servers = {{weft::net::address::loopback_v4(), port}};
    options.cache_size = 0;  // the names are all different
    dns::resolver resolver(tasks, options);
    // Ends before the resolver does.
    co_await weft::scope([&](weft::task_scope& askers) -> weft::task<> {
      for (std::size_t i = 0; i < in_flight; ++i)
        askers.spawn([&]() -> weft::task<> {
          while (auto const number = names.next()) {
            auto const found = co_await resolver.query(bench::name_of(*number), dns::type::a);
            for (auto const& record : found.records) names.answered(*number, record.rdata);
          }
        });
      co_return;
    });
  });
}

}  // namespace

int main(int count, char** arguments) {
  auto const given = bench::read_arguments(count, arguments);
  bench::names names(given.names);
  int const code = weft::run_main(resolve_all(given.port, names, given.in_flight));
  return code != 0 ? code : names.exit_code();
}
