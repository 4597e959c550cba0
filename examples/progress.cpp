#include "progress.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <fmt/format.h>

namespace {

constexpr std::size_t bar_width = 24;
constexpr auto erase_line = "\r\x1b[K";

std::string bar(double share) {
  auto const filled = static_cast<std::size_t>(share * static_cast<double>(bar_width));
  return '[' + std::string(filled, '#') + std::string(bar_width - filled, '-') + ']';
}

std::string time_text(double seconds) {
  auto const whole = static_cast<std::uint64_t>(std::ceil(seconds));
  if (whole >= 3600)
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

std::string progress_text(progress const& shown, double a_second) {
  std::string text;
  if (shown.share) {
    double const share = std::clamp(*shown.share, 0.0, 1.0);
    text = fmt::format("{} {:3.0f} %  ", bar(share), share * 100);
  }
  text += fmt::format("{} done  {} in flight  {:.0f}/s", shown.done, shown.in_flight, a_second);
  if (shown.share && *shown.share > 0 && a_second > 0) {
    double const all = static_cast<double>(shown.done + shown.in_flight) / *shown.share;
    double const left = std::max(all - static_cast<double>(shown.done), 0.0);
    text += fmt::format("  {} left", time_text(left / a_second));
  }
  return text;
}

void progress_line::draw(progress const& now) {
  std::chrono::duration<double> const since = now.elapsed - last_elapsed_;
  if (since.count() > 0) {
    // Smoothed over about two seconds.
    double const latest = static_cast<double>(now.done - last_done_) / since.count();
    double const weight = last_done_ == 0 ? 1 : std::min(since.count() / 2, 1.0);
    rate_ += (latest - rate_) * weight;
  }
  last_done_ = now.done;
  last_elapsed_ = now.elapsed;
  fmt::print(stderr, "{}{}", erase_line, progress_text(now, rate_));
}

void progress_line::clear() { fmt::print(stderr, "{}", erase_line); }
