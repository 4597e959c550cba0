#include "progress.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <fmt/format.h>

using namespace std::chrono_literals;

namespace {

constexpr std::size_t bar_width = 20;
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
  text += fmt::format("{} done  ", shown.done);
  if (shown.in_flight != 0) text += fmt::format("{} in flight  ", shown.in_flight);
  text += fmt::format("{:.0f}/s", a_second);
  if (shown.share && *shown.share > 0 && a_second > 0) {
    double const all = static_cast<double>(shown.done + shown.in_flight) / *shown.share;
    double const left = std::max(all - static_cast<double>(shown.done), 0.0);
    double const seconds = left / a_second;
    if (seconds < 360'000) text += fmt::format("  {} left", time_text(seconds));
  }
  return text;
}

void progress_line::draw(progress const& now) {
  std::chrono::duration<double> const since = now.elapsed - last_elapsed_;
  if (since.count() > 0) {
    // The mean of the first two seconds, then smoothed over about as long.
    double const latest = static_cast<double>(now.done - last_done_) / since.count();
    std::chrono::duration<double> const from = std::min<std::chrono::nanoseconds>(now.elapsed, 2s);
    rate_ += (latest - rate_) * std::min(since / from, 1.0);
  }
  last_done_ = now.done;
  last_elapsed_ = now.elapsed;
  fmt::print(stderr, "{}{}", erase_line, progress_text(now, rate_));
}

void progress_line::clear() { fmt::print(stderr, "{}", erase_line); }
