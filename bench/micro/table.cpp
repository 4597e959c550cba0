// See table.hpp. The goals are those the project has set itself, in nanoseconds.
#include "table.hpp"

#include <array>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "support/statistics.hpp"

namespace {

struct operation {
  std::string_view name;  // of the benchmarks, before "/weft" and "/asio"
  std::string_view title;
  double goal = 0;  // 0: none is set
};

constexpr std::array operations{
    operation{"await", "await a child", 6},
    operation{"yield", "yield through the loop", 10},
    operation{"spawn_join", "spawn + join a child", 30},
    operation{"when_all", "when_all of two children"},
    operation{"channel_64", "channel send -> receive, capacity 64", 15},
    operation{"channel_0", "channel send -> receive, rendezvous"},
    operation{"mutex", "mutex lock + unlock"},
    operation{"mutex_contended", "mutex, there and back between two tasks"},
    operation{"event_ping_pong", "event, there and back between two tasks"},
    operation{"timer", "timer create + cancel, 200,000 pending", 30},
    operation{"sleep_0", "sleep of 0"},
    operation{"sleep_1ns", "sleep of 1 ns"},
    operation{"timeout_operation", "timeout around an operation, inline"},
    operation{"timeout_task", "timeout around a task"},
    operation{"post_from_thread", "item from another thread"},
    operation{"offload", "offload, one at a time", 3000},
    operation{"offload_1000", "offload, 1,000 at a time", 80},
};

std::string number(double value) {
  if (!std::isfinite(value)) return "-";
  return fmt::format("{:.{}f}", value, value < 100 ? 1 : 0);
}

}  // namespace

bool table::ReportContext(Context const&) { return true; }

void table::ReportRuns(std::vector<Run> const& runs) {
  for (Run const& run : runs) {
    if (run.run_type != Run::RT_Iteration) continue;
    double const seconds =
        run.run_name.time_type.empty() ? run.cpu_accumulated_time : run.real_accumulated_time;
    repetitions_[run.run_name.function_name].push_back(seconds * 1e9 /
                                                       static_cast<double>(run.iterations));
  }
}

double table::median_of(std::string const& name) const {
  auto const found = repetitions_.find(name);
  return bench::median(found == repetitions_.end() ? std::vector<double>() : found->second);
}

void table::print() const {
  fmt::print("{:<42}{:>9}{:>9}{:>12}{:>9}\n", "operation", "weft ns", "asio ns", "weft / asio",
             "goal");
  for (operation const& row : operations) {
    double const ours = median_of(fmt::format("{}/weft", row.name));
    double const theirs = median_of(fmt::format("{}/asio", row.name));
    if (std::isnan(ours) && std::isnan(theirs)) continue;
    double const ratio = ours / theirs;
    fmt::print("{:<42}{:>9}{:>9}{:>12}{:>9}\n", row.title, number(ours), number(theirs),
               std::isnan(ratio) ? "-" : fmt::format("{:.3f}", ratio),
               row.goal > 0 ? fmt::format("<= {:.0f}", row.goal) : "");
  }
}
