// See sentences.hpp.
#include "sentences.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace io_vs_cpu {

namespace {

constexpr double least_difference = 1.05;

bool has_interval(bench::ratio const& of) {
  return std::isfinite(of.low) && std::isfinite(of.high);
}

std::string with_commas(double value) {
  auto digits = fmt::format("{:.0f}", value);
  for (auto place = static_cast<std::ptrdiff_t>(digits.size()) - 3; place > 0; place -= 3)
    digits.insert(static_cast<std::size_t>(place), ",");
  return digits;
}

// "A (5.1 to 1), B (2.0 to 1) and C (1 to 1.5)": the subject in proportion to each.
std::string with_ratios(figure const& subject, std::span<figure const> others, order wanted) {
  std::vector<std::string> names;
  for (figure const& each : others) {
    if (compare(subject.value, each.value) != wanted) continue;
    double const ratio = subject.value.estimate / each.value.estimate;
    names.push_back(each.name);
    if (wanted == order::more) names.back() += fmt::format(" ({} to 1)", number(ratio));
    if (wanted == order::less) names.back() += fmt::format(" (1 to {})", number(1 / ratio));
  }
  return listed(names);
}

void append(std::string& to, std::string const& part) {
  if (!to.empty()) to += "; ";
  to += part;
}

std::string of_order(std::span<figure const> from, order wanted) {
  std::vector<std::string> names;
  for (figure const& each : from)
    if (compare_with_one(each.value) == wanted)
      names.push_back(fmt::format("{} {}", each.name, text(each.value)));
  return listed(names);
}

}  // namespace

bench::ratio interval_of(std::span<double const> rounds) {
  std::vector<double> const ones(rounds.size(), 1.0);
  return bench::paired_ratio(rounds, ones);
}

std::string number(double value) {
  if (!std::isfinite(value)) return "-";
  if (value == 0) return "0";
  double const magnitude = std::floor(std::log10(std::abs(value)));
  if (magnitude >= 2) {
    double const unit = std::pow(10, magnitude - 2);
    return with_commas(std::round(value / unit) * unit);
  }
  return fmt::format("{:.{}f}", value, static_cast<int>(std::min(2 - magnitude, 6.0)));
}

std::string text(bench::ratio const& of) {
  if (!has_interval(of)) return number(of.estimate);
  return fmt::format("{} [{}, {}]", number(of.estimate), number(of.low), number(of.high));
}

order compare(bench::ratio const& ours, bench::ratio const& theirs) {
  if (!has_interval(ours) || !has_interval(theirs)) return order::no_difference;
  if (ours.low > theirs.high && ours.estimate >= least_difference * theirs.estimate)
    return order::more;
  if (ours.high < theirs.low && theirs.estimate >= least_difference * ours.estimate)
    return order::less;
  return order::no_difference;
}

order compare_with_one(bench::ratio const& of) {
  return compare(of, {.estimate = 1, .low = 1, .high = 1});
}

std::string listed(std::span<std::string const> names) {
  std::string result;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i != 0) result += i + 1 == names.size() ? " and " : ", ";
    result += names[i];
  }
  return result;
}

std::string comparison_sentence(figure const& subject, std::span<figure const> others,
                                wording const& words) {
  if (others.empty()) return fmt::format("Only {} was measured.", subject.name);
  if (!has_interval(subject.value)) return "One round has no interval, so nothing is claimed.";
  std::string said;
  if (auto const more = with_ratios(subject, others, order::more); !more.empty())
    append(said, fmt::format("{} {}", words.more, more));
  if (auto const less = with_ratios(subject, others, order::less); !less.empty())
    append(said, fmt::format("{} {}", words.less, less));
  if (auto const same = with_ratios(subject, others, order::no_difference); !same.empty())
    append(said, fmt::format("no difference from {}", same));
  return fmt::format(fmt::runtime(words.beginning), subject.name, text(subject.value)) + said + ".";
}

std::string speed_up_sentence(std::size_t workers, std::size_t cores,
                              std::span<figure const> speed_ups) {
  std::string said;
  if (auto const more = of_order(speed_ups, order::more); !more.empty())
    append(said, fmt::format("faster than blocking calls one by one: {}", more));
  if (auto const same = of_order(speed_ups, order::no_difference); !same.empty())
    append(said, fmt::format("no difference from them: {}", same));
  if (auto const less = of_order(speed_ups, order::less); !less.empty())
    append(said, fmt::format("slower than they: {}", less));
  return fmt::format("With {} workers on {} cores, where {} times is ideal: {}.", workers, cores,
                     std::min(workers, cores), said.empty() ? "nothing was measured" : said);
}

std::string against_python_sentence(std::span<figure const> ratios) {
  std::string said;
  if (auto const more = of_order(ratios, order::more); !more.empty())
    append(said, fmt::format("Weft does more, so many times what Python does, in {}", more));
  if (auto const same = of_order(ratios, order::no_difference); !same.empty())
    append(said, fmt::format("no difference in {}", same));
  if (auto const less = of_order(ratios, order::less); !less.empty())
    append(said, fmt::format("Python does more in {}", less));
  return said.empty() ? "Python was not measured." : said + ".";
}

double crossing(std::span<double const> job_us, std::span<double const> ratios) {
  std::size_t first = ratios.size();
  while (first > 0 && ratios[first - 1] >= 1) --first;
  if (first == ratios.size()) return std::numeric_limits<double>::quiet_NaN();
  if (first == 0) return job_us[0];
  double const below = std::log(ratios[first - 1]);
  double const above = std::log(ratios[first]);
  double const part = -below / (above - below);
  return std::exp(std::log(job_us[first - 1]) * (1 - part) + std::log(job_us[first]) * part);
}

bench::ratio break_even(offload_curve const& of) {
  std::vector<double> means;
  std::vector<double> lows;
  std::vector<double> highs;
  for (std::size_t i = 0; i < of.job_us.size(); ++i) {
    std::vector<double> rounds;
    rounds.reserve(of.rounds.size());
    for (auto const& round : of.rounds) rounds.push_back(round[i]);
    auto const at = interval_of(rounds);
    means.push_back(at.estimate);
    lows.push_back(at.low);
    highs.push_back(at.high);
  }
  return {.estimate = crossing(of.job_us, means),
          .low = crossing(of.job_us, highs),
          .high = crossing(of.job_us, lows)};
}

std::string break_even_sentence(offload_curve const& threads, offload_curve const& processes) {
  auto const to_thread = break_even(threads);
  auto const to_process = break_even(processes);
  auto const of_one = [](std::string_view where, bench::ratio const& at) {
    if (!has_interval(at)) {
      auto said =
          fmt::format("this run does not show from where on moving a job to {} pays", where);
      if (std::isfinite(at.estimate))
        said += fmt::format(" (the means are equal at {} \xc2\xb5s, their intervals leave it open)",
                            number(at.estimate));
      return said;
    }
    return fmt::format("moving a job to {} pays from {} \xc2\xb5s on", where, text(at));
  };
  auto said = fmt::format("In throughput alone, {}, and {}", of_one("a thread", to_thread),
                          of_one("a process", to_process));
  if (has_interval(to_thread) && has_interval(to_process)) {
    auto const order = compare(to_process, to_thread);
    if (order == order::more) said += ": a process needs the longer job";
    if (order == order::less) said += ": a thread needs the longer job";
    if (order == order::no_difference) said += ": no difference between the two";
  }
  return said + ".";
}

}  // namespace io_vs_cpu
