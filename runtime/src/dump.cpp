// Walks the tree of scopes for its chains, and each chain from its leaf upwards.
#include "weft/dump.hpp"

#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "await_chain.hpp"
#include "json_text.hpp"
#include "loop.hpp"
#include "scope_tree.hpp"

namespace weft::inline v0 {

namespace {

using detail::chain;
using detail::file_of;
using detail::operation;
using detail::place_of;

// What is known of one chain; both formats print it.
struct chain_report {
  std::size_t depth;  // 0 for the root
  std::string name;
  std::source_location spawned_at;
  std::string_view state;  // "running", "ready" or "waiting"
  std::string waits_for;
  double seconds = 0;
  std::vector<std::source_location> awaits;  // from the spawned task down to the operation
};

chain_report report(chain const& of, std::size_t depth, std::int64_t now) {
  chain_report made{.depth = depth,
                    .name = of.name_or(depth == 0 ? "root" : "task"),
                    .spawned_at = of.spawned_at,
                    .state = "ready",
                    .waits_for = {},
                    .awaits = {}};
  operation const* const pending = of.pending;
  if (pending == nullptr) {
    if (of.loop->current == &of) made.state = "running";
    return made;
  }
  made.awaits = detail::awaits_of(of);
  if (pending->current_phase() == operation::phase::waiting) made.state = "waiting";
  made.waits_for = pending->describe();
  made.seconds = static_cast<double>(now - of.pending_since) / 1e9;
  return made;
}

std::vector<chain_report> report_all(detail::loop& loop) {
  std::vector<chain_report> reports;
  std::vector<std::size_t> chain_depth;  // for each scope on the current path
  std::int64_t const now = loop.kernel().now();
  detail::scope_tree::walk(*loop.root_scope, [&](cancel_scope& scope, std::size_t depth) {
    chain const& within = detail::scope_tree::chain_of(scope);
    std::size_t const outer = depth == 0 ? 0 : chain_depth[depth - 1];
    bool const is_chain = &within.own == &scope;
    chain_depth.resize(depth);
    chain_depth.push_back(outer + (is_chain ? 1 : 0));
    if (is_chain) reports.push_back(report(within, outer, now));
    return true;
  });
  return reports;
}

std::string as_text(std::vector<chain_report> const& reports) {
  std::string text = fmt::format("{} task{}\n", reports.size(), reports.size() == 1 ? "" : "s");
  for (auto const& of : reports) {
    std::string const indent(2 * of.depth, ' ');
    text += fmt::format("{}{}: {}", indent, of.name, of.state);
    if (of.state == "waiting") text += fmt::format(" {:.3f} s for {}", of.seconds, of.waits_for);
    if (of.spawned_at.line() != 0) text += fmt::format(", spawned at {}", place_of(of.spawned_at));
    text += '\n';
    for (auto const& where : of.awaits)
      text += fmt::format("{}  at {} in {}\n", indent, place_of(where), where.function_name());
  }
  return text;
}

std::string location_as_json(std::source_location const& where) {
  return fmt::format(R"({{"file":{},"line":{},"function":{}}})", detail::json_text(file_of(where)),
                     where.line(), detail::json_text(where.function_name()));
}

std::string as_json(std::vector<chain_report> const& reports) {
  std::string json = "[";
  for (auto const& of : reports) {
    if (json.size() > 1) json += ",\n ";
    json += fmt::format(R"({{"name":{},"depth":{},"state":"{}","spawned_at":{})",
                        detail::json_text(of.name), of.depth, of.state,
                        location_as_json(of.spawned_at));
    json += fmt::format(R"(,"waits_for":{},"seconds":{:.9f},"awaits":[)",
                        detail::json_text(of.waits_for), of.seconds);
    for (auto const& where : of.awaits)
      json += (&where == of.awaits.data() ? "" : ",") + location_as_json(where);
    json += "]}";
  }
  return json += "]\n";
}

}  // namespace

std::string dump(dump_format format) {
  bool const text = format == dump_format::text;
  if (detail::current_loop == nullptr) return text ? "no loop runs on this thread\n" : "[]\n";
  auto const reports = report_all(detail::loop::of(*detail::current_loop));
  return text ? as_text(reports) : as_json(reports);
}

}  // namespace weft::inline v0
