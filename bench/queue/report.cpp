// See report.hpp.
#include "report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>

#include "support/report.hpp"
#include "support/statistics.hpp"

namespace queue_bench {

namespace {

std::vector<double> column(measured const& of, double sample::* what) {
  std::vector<double> values;
  values.reserve(of.rounds.size());
  for (sample const& round : of.rounds) values.push_back(round.*what);
  return values;
}

std::string median_of(measured const& of, double sample::* what, int digits) {
  auto const value = bench::median(column(of, what));
  return std::isnan(value) ? "-" : fmt::format("{:.{}f}", value, digits);
}

std::string text(bench::ratio const& of) {
  if (std::isnan(of.estimate)) return "-";
  if (std::isnan(of.low)) return fmt::format("{:.2f}", of.estimate);
  return fmt::format("{:.2f} [{:.2f}, {:.2f}]", of.estimate, of.low, of.high);
}

// Of tasks per second. NaN where one of the two was not measured, or is of another unit.
bench::ratio against(measured const* theirs, measured const& ours) {
  if (theirs == nullptr || ours.of.what == kind::redis_benchmark)
    return bench::paired_ratio({}, {});
  return bench::paired_ratio(column(ours, &sample::per_second),
                             column(*theirs, &sample::per_second));
}

measured const* called(std::string_view name, measured_row const& in) {
  auto const found = std::ranges::find_if(
      in.contenders, [&](measured const& each) { return each.of.name == name; });
  return found == in.contenders.end() ? nullptr : &*found;
}

measured const* python(measured_row const& in) { return called(python_name, in); }

// With batches of the same size.
measured const* raw(measured_row const& in, measured const& ours) {
  return called(fmt::format("raw TCP x {}", ours.of.batch), in);
}

std::string number(double value) {
  return std::isfinite(value) ? fmt::format("{:.6g}", value) : "null";
}

std::string json(bench::ratio const& of) {
  return fmt::format(R"({{"estimate": {}, "low": {}, "high": {}}})", number(of.estimate),
                     number(of.low), number(of.high));
}

std::string json(sample const& of) {
  return fmt::format(R"({{"per_second": {}, "p50_us": {}, "p99_us": {}, "processor_us": {}}})",
                     number(of.per_second), number(of.p50_us), number(of.p99_us),
                     number(of.processor_us));
}

std::string json(measured const& of, measured_row const& in) {
  std::vector<std::string> rounds;
  rounds.reserve(of.rounds.size());
  for (sample const& each : of.rounds) rounds.push_back(json(each));
  return fmt::format(
      R"({{"row": "{}", "workers": {}, "bytes": {}, "contender": "{}", "batch": {}, "unit": "{}",
   "against_python": {}, "against_raw": {},
   "rounds": [{}]}})",
      in.at.name(), in.at.workers, in.at.bytes, of.of.name, of.of.batch,
      of.of.what == kind::redis_benchmark ? "requests" : "tasks", json(against(python(in), of)),
      json(against(raw(in, of), of)), fmt::join(rounds, ",\n     "));
}

}  // namespace

void print_table(measured_row const& of) {
  fmt::print("\n{}: {}\n{:<22}{:>12}{:>10}{:>10}{:>10}{:>25}{:>22}\n", of.at.name(), of.at.what(),
             "", "tasks/s", "p50 us", "p99 us", "CPU us", "tasks/s, / Python", "/ raw TCP");
  for (measured const& each : of.contenders) {
    bool const is_of_requests = each.of.what == kind::redis_benchmark;
    fmt::print("{:<22}{:>12}{:>10}{:>10}{:>10}", each.of.name,
               median_of(each, &sample::per_second, 0) + (is_of_requests ? "*" : ""),
               median_of(each, &sample::p50_us, 0), median_of(each, &sample::p99_us, 0),
               median_of(each, &sample::processor_us, 1));
    fmt::print("{:>25}{:>22}\n", text(against(python(of), each)),
               text(against(raw(of, each), each)));
  }
  auto const has_requests = [](measured const& each) {
    return each.of.what == kind::redis_benchmark;
  };
  if (std::ranges::any_of(of.contenders, has_requests))
    fmt::print(
        "* XADD requests/s, as many clients as workers, x requests outstanding each; a task "
        "takes 4 or more\n");
  std::fflush(stdout);
}

void print_summary(std::vector<measured_row> const& rows) {
  fmt::print("\nTasks/s of weft's own queue / of \"{}\", which has no batches\n{:<12}", python_name,
             "");
  std::vector<std::string> names;
  for (measured const& each : rows.front().contenders)
    if (each.of.what == kind::queue && each.of.name.starts_with("weft"))
      names.push_back(each.of.name);
  for (auto const& name : names) fmt::print("{:>26}", name);
  for (measured_row const& each : rows) {
    fmt::print("\n{:<12}", each.at.name());
    for (auto const& name : names)
      fmt::print("{:>26}", text(against(python(each), *called(name, each))));
  }
  fmt::print("\n");
}

void write_json(std::string const& path, bench::description const& run,
                std::vector<measured_row> const& rows) {
  std::ofstream file(path);
  file << "{\"context\": " << bench::json(run) << ",\n\"results\": [";
  char const* separator = "\n  ";
  for (measured_row const& of : rows)
    for (measured const& each : of.contenders) {
      file << separator << json(each, of);
      separator = ",\n  ";
    }
  file << "\n]}\n";
  if (!file.flush()) throw std::runtime_error(fmt::format("cannot write {}", path));
}

}  // namespace queue_bench
