// See results.hpp.
#include "results.hpp"

#include <algorithm>

namespace io_vs_cpu {

std::vector<double> column(measured const& of, double sample::* what) {
  std::vector<double> values;
  values.reserve(of.rounds.size());
  for (sample const& round : of.rounds) values.push_back(round.*what);
  return values;
}

measured const* find(results const& in, place const& at) {
  auto const found = std::ranges::find(in.cells, at, &measured::at);
  return found == in.cells.end() ? nullptr : &*found;
}

std::optional<figure> figure_of(results const& in, place const& at, double sample::* what) {
  auto const* const found = find(in, at);
  if (found == nullptr) return std::nullopt;
  return figure{.name = at.executor_and_size(), .value = interval_of(column(*found, what))};
}

std::optional<bench::ratio> proportion(results const& in, place const& ours, place const& theirs) {
  auto const* const one = find(in, ours);
  auto const* const other = find(in, theirs);
  if (one == nullptr || other == nullptr) return std::nullopt;
  return bench::paired_ratio(column(*one, &sample::per_second),
                             column(*other, &sample::per_second));
}

offload_curve curve_of(results const& in, std::string const& executor,
                       measured offload_size::* what) {
  offload_curve curve{.executor = executor, .job_us = {}, .rounds = {}};
  for (offload_size const& size : in.offloads) {
    curve.job_us.push_back(size.job_us);
    auto const ours = column(size.*what, &sample::per_second);
    auto const theirs = column(size.on_loop, &sample::per_second);
    curve.rounds.resize(ours.size());
    for (std::size_t i = 0; i < ours.size(); ++i) curve.rounds[i].push_back(ours[i] / theirs[i]);
  }
  return curve;
}

}  // namespace io_vs_cpu
