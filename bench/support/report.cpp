// See report.hpp.
#include "support/report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <fmt/format.h>

#include "support/statistics.hpp"

namespace bench {

namespace {

std::vector<double> column(measured_server const& of, double sample::* what) {
  std::vector<double> values;
  values.reserve(of.rounds.size());
  for (sample const& round : of.rounds) values.push_back(round.*what);
  return values;
}

double median_of(measured_server const& of, double sample::* what) {
  return median(column(of, what));
}

// NaN if the raw server with this key was not measured.
ratio against(std::string_view key, measured_server const& ours,
              std::vector<measured_server> const& servers) {
  auto const theirs = std::ranges::find(servers, key, &measured_server::key);
  if (theirs == servers.end()) return paired_ratio({}, {});
  return paired_ratio(column(ours, &sample::processor_us), column(*theirs, &sample::processor_us));
}

std::string cell(ratio const& value) {
  if (std::isnan(value.estimate)) return "-";
  if (std::isnan(value.low)) return fmt::format("{:.3f}", value.estimate);
  return fmt::format("{:.3f} [{:.3f}, {:.3f}]", value.estimate, value.low, value.high);
}

std::string json_string(std::string_view text) {
  std::string result = "\"";
  for (char const c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return result + '"';
}

std::string number(double value) {
  return std::isfinite(value) ? fmt::format("{:.6g}", value) : "null";
}

// The texts of all values, with the separator between them.
template <class Value, class Text>
std::string joined(std::vector<Value> const& values, std::string_view separator, Text const& text) {
  std::string result;
  for (Value const& value : values) {
    if (!result.empty()) result += separator;
    result += text(value);
  }
  return result;
}

std::string json(ratio const& value) {
  return fmt::format(R"({{"estimate": {}, "low": {}, "high": {}}})", number(value.estimate),
                     number(value.low), number(value.high));
}

std::string json(sample const& value) {
  return fmt::format(R"({{"per_second": {}, "p50_us": {}, "p99_us": {}, "processor_us": {}}})",
                     number(value.per_second), number(value.p50_us), number(value.p99_us),
                     number(value.processor_us));
}

std::string json(measured_server const& value, std::vector<measured_server> const& all) {
  sample const medians{median_of(value, &sample::per_second), median_of(value, &sample::p50_us),
                       median_of(value, &sample::p99_us), median_of(value, &sample::processor_us)};
  return fmt::format(
      R"({{"server": {}, "name": {}, "median": {},
     "against_uring": {}, "against_epoll": {},
     "rounds": [{}]}})",
      json_string(value.key), json_string(value.name), json(medians),
      json(against(ring_limit, value, all)), json(against(epoll_limit, value, all)),
      joined(value.rounds, ",\n       ", [](sample const& round) { return json(round); }));
}

std::string json(comparison const& value) {
  auto const parameter = [](auto const& each) {
    return fmt::format("{}: {}", json_string(each.first), each.second);
  };
  auto const server = [&](measured_server const& each) { return json(each, value.servers); };
  return fmt::format("{{{}, \"servers\": [\n    {}]}}", joined(value.load, ", ", parameter),
                     joined(value.servers, ",\n    ", server));
}

}  // namespace

std::string json(description const& run) {
  auto const line = [](auto const& each) {
    return fmt::format("{}: {}", json_string(each.first), json_string(each.second));
  };
  return fmt::format("{{{}}}", joined(run, ",\n  ", line));
}

void print_table(std::string const& title, std::string const& unit,
                 std::vector<measured_server> const& servers) {
  struct limit {
    char const* key;
    char const* heading;
  };
  std::vector<limit> limits{{ring_limit, "CPU / raw io_uring"}, {epoll_limit, "CPU / raw epoll"}};
  std::erase_if(limits, [&](limit const& each) {
    return std::ranges::find(servers, each.key, &measured_server::key) == servers.end();
  });
  fmt::print("\n{}\n", title);
  fmt::print("{:<28}{:>13}{:>9}{:>9}{:>9}", "server", unit + "/s", "p50 us", "p99 us", "CPU us");
  for (limit const& each : limits) fmt::print("{:>24}", each.heading);
  for (measured_server const& row : servers) {
    fmt::print("\n{:<28}{:>13.0f}{:>9.1f}{:>9.1f}{:>9.2f}", row.name,
               median_of(row, &sample::per_second), median_of(row, &sample::p50_us),
               median_of(row, &sample::p99_us), median_of(row, &sample::processor_us));
    for (limit const& each : limits) fmt::print("{:>24}", cell(against(each.key, row, servers)));
  }
  fmt::print("\n");
  std::fflush(stdout);
}

void write_json(std::string const& path, description const& run,
                std::vector<comparison> const& comparisons) {
  if (auto const folder = std::filesystem::path(path).parent_path(); !folder.empty())
    std::filesystem::create_directories(folder);
  auto const result = [](comparison const& each) { return json(each); };
  std::ofstream file(path);
  file << fmt::format("{{\"context\": {},\n\"results\": [\n  {}]}}\n", json(run),
                      joined(comparisons, ",\n  ", result));
  if (!file.flush()) throw std::runtime_error(fmt::format("cannot write {}", path));
}

}  // namespace bench
