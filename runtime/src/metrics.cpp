// See weft/metrics.hpp.
#include "weft/metrics.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "json_text.hpp"
#include "loop.hpp"
#include "pool_registry.hpp"
#include "scope_tree.hpp"

namespace weft::inline v0 {

namespace {

using detail::chain;
using detail::operation;

// Counts the chains, and by name the operations that they wait for.
std::map<std::string_view, std::uint64_t> count_in_flight(detail::loop& loop, std::size_t& chains) {
  std::map<std::string_view, std::uint64_t> waiting;
  detail::scope_tree::walk(*loop.root_scope, [&](cancel_scope& scope, std::size_t) {
    chain const& within = detail::scope_tree::chain_of(scope);
    if (&within.own != &scope) return true;
    ++chains;
    operation const* const pending = within.pending;
    if (pending != nullptr && pending->current_phase() == operation::phase::waiting)
      ++waiting[pending->name()];
    return true;
  });
  return waiting;
}

double seconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; }
double seconds(std::chrono::nanoseconds duration) {
  return static_cast<double>(duration.count()) / 1e9;
}

// In the unit that suits it.
std::string duration_text(double of) {
  if (of < 1e-3) return fmt::format("{:.1f} us", of * 1e6);
  if (of < 1) return fmt::format("{:.1f} ms", of * 1e3);
  return fmt::format("{:.2f} s", of);
}

}  // namespace

loop_metrics metrics() {
  return detail::metrics_of(detail::loop::of(*detail::running_chain("weft::metrics").loop));
}

loop_metrics detail::metrics_of(detail::loop& loop) {
  loop_metrics made{.backend = std::string(loop.kernel().name()),
                    .ticks = loop.done.ticks,
                    .resumes = loop.done.resumes,
                    .ready = loop.done.ready,
                    .waited = loop.done.waited,
                    .bytes_read = loop.bytes_read,
                    .bytes_written = loop.bytes_written,
                    .timers = loop.pending.size(),
                    .in_flight = loop.kernel().in_flight(),
                    .blocking = loop.blocking().jobs(),
                    .jobs = loop.jobs.away(),
                    .operations = {},
                    .pools = detail::all_pools()};
  auto const in_flight = count_in_flight(loop, made.chains);
  std::map<std::string_view, std::uint64_t> begun;
  for (auto const& [name, count] : loop.begun.all())
    if (name != nullptr) begun[name] += count;
  for (auto const& [name, count] : begun) {
    auto const waiting = in_flight.find(name);
    auto const now = waiting == in_flight.end() ? 0 : waiting->second;
    made.operations.push_back(
        {.name = std::string(name), .done = count - std::min(count, now), .in_flight = now});
  }
  return made;
}

std::string to_text(loop_metrics const& of) {
  auto text = fmt::format(
      "loop on {}: {} ticks, {} resumes; ready in a tick: 50 % {}, 99 % {}; waited: 50 % {}, "
      "99 % {}\n",
      of.backend, of.ticks, of.resumes, of.ready.percentile(50), of.ready.percentile(99),
      duration_text(seconds(of.waited.percentile(50))),
      duration_text(seconds(of.waited.percentile(99))));
  auto const out = std::back_inserter(text);
  fmt::format_to(out,
                 "now: {} tasks, {} timers, {} operations in the kernel, {} on the blocking pool, "
                 "{} jobs on pools\nbytes: {} read, {} written\n",
                 of.chains, of.timers, of.in_flight, of.blocking, of.jobs, of.bytes_read,
                 of.bytes_written);
  for (auto const& each : of.operations)
    fmt::format_to(out, "{}: {} done, {} in flight\n", each.name, each.done, each.in_flight);
  for (auto const& [name, size, stats] : of.pools)
    fmt::format_to(out,
                   "{} of {}: {} queued, {} running, {} done, {} failed, {} restarted; waited: "
                   "99 % {}; ran: 99 % {}\n",
                   name, size, stats.queued, stats.running, stats.done, stats.failed,
                   stats.restarted, duration_text(seconds(stats.waited.percentile(99))),
                   duration_text(seconds(stats.ran.percentile(99))));
  return text;
}

std::string to_json(loop_metrics const& of) {
  auto json = fmt::format(
      R"({{"backend":{},"ticks":{},"resumes":{},"ready":{{"p50":{},"p99":{}}},)"
      R"("waited":{{"p50":{:.9f},"p99":{:.9f}}},"bytes_read":{},"bytes_written":{},)"
      R"("chains":{},"timers":{},"in_flight":{},"blocking":{},"jobs":{},"operations":[)",
      detail::json_text(of.backend), of.ticks, of.resumes, of.ready.percentile(50),
      of.ready.percentile(99), seconds(of.waited.percentile(50)), seconds(of.waited.percentile(99)),
      of.bytes_read, of.bytes_written, of.chains, of.timers, of.in_flight, of.blocking, of.jobs);
  auto const out = std::back_inserter(json);
  for (auto const& each : of.operations)
    fmt::format_to(out, R"({}{{"name":{},"done":{},"in_flight":{}}})",
                   &each == of.operations.data() ? "" : ",", detail::json_text(each.name),
                   each.done, each.in_flight);
  json += R"(],"pools":[)";
  for (auto const& each : of.pools)
    fmt::format_to(out,
                   R"({}{{"name":{},"size":{},"queued":{},"running":{},"done":{},"failed":{},)"
                   R"("restarted":{},"waited":{{"p50":{:.9f},"p99":{:.9f}}},)"
                   R"("ran":{{"p50":{:.9f},"p99":{:.9f}}}}})",
                   &each == of.pools.data() ? "" : ",", detail::json_text(each.name), each.size,
                   each.stats.queued, each.stats.running, each.stats.done, each.stats.failed,
                   each.stats.restarted, seconds(each.stats.waited.percentile(50)),
                   seconds(each.stats.waited.percentile(99)),
                   seconds(each.stats.ran.percentile(50)), seconds(each.stats.ran.percentile(99)));
  return json += "]}\n";
}

}  // namespace weft::inline v0
