// See narrator.hpp.
#include "narrator.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>
#include <weft/terminal.hpp>

using namespace std::chrono_literals;

namespace {

constexpr char const* bold = "1";
constexpr char const* cyan = "36";
constexpr char const* green = "32";
constexpr std::size_t columns_max = 100;      // longer lines are hard to read
constexpr std::size_t progress_columns = 76;  // a line that wraps cannot be drawn over

// The words of the text in lines of at most so many columns.
std::vector<std::string> wrapped(std::string_view text, std::size_t columns) {
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    auto const end = std::min(text.find(' '), text.size());
    auto const word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > columns)
      lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += word;
  }
  return lines;
}

}  // namespace

narrator::narrator() : is_terminal_(::isatty(STDOUT_FILENO) != 0 && ::isatty(STDERR_FILENO) != 0) {
  auto const* const no_color = std::getenv("NO_COLOR");
  is_coloured_ = is_terminal_ && (no_color == nullptr || *no_color == '\0');
  auto const size = weft::terminal::size();
  columns_ = size && size->columns >= 40 ? std::min<std::size_t>(size->columns, columns_max) : 80;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
}

std::string narrator::styled(std::string_view text, char const* style) const {
  return is_coloured_ ? fmt::format("\x1b[{}m{}\x1b[0m", style, text) : std::string(text);
}

void narrator::print(std::string_view text, std::string_view indent) const {
  for (auto const& line : wrapped(text, columns_ - indent.size()))
    fmt::print("{}{}\n", indent, line);
}

void narrator::say(std::string_view text) const { print(text, ""); }

void narrator::begin(std::string title, std::string_view what_it_does) {
  steps_.push_back({.title = std::move(title)});
  fmt::print("\n{}\n", styled(fmt::format("{}. {}", steps_.size(), steps_.back().title), bold));
  print(what_it_does, "   ");
  begun_ = std::chrono::steady_clock::now();
  drawn_ = {};
  line_ = {};
}

void narrator::show_progress(std::size_t done, std::size_t total) {
  show_progress(
      {.done = done,
       .share = static_cast<double>(done) / static_cast<double>(std::max<std::size_t>(total, 1))});
}

void narrator::show_progress(progress shown) {
  auto const now = std::chrono::steady_clock::now();
  if (!is_terminal_ || columns_ < progress_columns || now - drawn_ < 100ms) return;
  if (shown.done < std::exchange(done_, shown.done)) {  // another round of the same
    line_ = {};
    begun_ = now;
  }
  drawn_ = now;
  is_drawn_ = true;
  shown.elapsed = now - begun_;
  line_.draw(shown);
}

void narrator::clear() {
  if (std::exchange(is_drawn_, false)) line_.clear();
}

void narrator::note(std::string_view text) {
  clear();
  print(text, "   ");
}

void narrator::quote(std::string_view line) {
  clear();
  for (auto const& part : wrapped(line, columns_ - 5))
    fmt::print("   | {}\n", part.substr(0, columns_ - 5));
}

void narrator::quote_all(std::string_view lines) {
  while (!lines.empty()) {
    auto const end = std::min(lines.find('\n'), lines.size());
    if (end != 0) quote(lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
}

void narrator::measured(std::string name, std::string value) {
  clear();
  fmt::print("   {:<24}{}\n", name, styled(value, cyan));
  steps_.back().findings.push_back({.name = std::move(name), .value = std::move(value)});
}

void narrator::lesson(std::string_view text) {
  clear();
  steps_.back().lesson = text;
  for (bool is_first = true; auto const& line : wrapped(text, columns_ - 5))
    fmt::print("{}{}\n", std::exchange(is_first, false) ? "   > " : "     ", styled(line, green));
}

void narrator::print_table() const {
  fmt::print("\n{}\n", styled("What was measured", bold));
  for (std::size_t number = 1; auto const& [title, findings, lesson] : steps_) {
    fmt::print("{}. {}\n", number++, title);
    for (auto const& [name, value] : findings) fmt::print("   {:<24}{}\n", name, value);
  }
}

std::string narrator::as_markdown() const {
  std::string text = "# A tour of Weft\n\n| step | what | measured |\n|---|---|---|\n";
  for (auto const& [title, findings, lesson] : steps_)
    for (auto const& [name, value] : findings)
      text += fmt::format("| {} | {} | {} |\n", title, name, value);
  text += '\n';
  for (auto const& [title, findings, lesson] : steps_)
    text += fmt::format("- **{}.** {}\n", title, lesson);
  return text;
}

std::string number_text(double number) {
  auto text = fmt::format("{:.0f}", number);
  for (auto place = static_cast<std::ptrdiff_t>(text.size()) - 3; place > 0; place -= 3)
    text.insert(static_cast<std::size_t>(place), ",");
  return text;
}

std::string duration_text(std::chrono::nanoseconds duration) {
  std::chrono::duration<double> const seconds = duration;
  if (seconds < 1ms) return fmt::format("{:.0f} us", seconds.count() * 1e6);
  if (seconds < 1s) return fmt::format("{:.1f} ms", seconds.count() * 1e3);
  return fmt::format("{:.2f} s", seconds.count());
}

std::string bytes_text(std::size_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}
