// See plots.hpp.
#include "plots.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>

namespace io_vs_cpu {

namespace {

// Colours that colour-blind readers can tell apart (Okabe and Ito); each has a shape of its own,
// too, and Python's lines are dashed.
struct style {
  char const* colour;
  int shape;
  bool is_dashed = false;
};

constexpr std::array<style, 6> styles{{{"#0072B2", 7},
                                       {"#D55E00", 9},
                                       {"#009E73", 5},
                                       {"#000000", 13},
                                       {"#CC79A7", 6, true},
                                       {"#E69F00", 4, true}}};

std::string preamble(int height) {
  return fmt::format(
      "set encoding utf8\n"
      "set terminal svg size 900,{} font 'sans-serif,15' background '#ffffff' dynamic "
      "noenhanced\n"
      "set border 3 linecolor '#555555'\nset tics nomirror\nset grid linecolor '#dddddd'\n"
      "set key outside right top vertical Left reverse samplen 2 spacing 1.25\n",
      height);
}

std::string line_style(style const& of) {
  return fmt::format("linecolor rgb '{}' linewidth 2 dashtype {}", of.colour,
                     of.is_dashed ? "'-'" : "1");
}

std::string point_style(style const& of) {
  return fmt::format("linecolor rgb '{}' linewidth 2 pointtype {} pointsize 0.9", of.colour,
                     of.shape);
}

bench::ratio without_nan(bench::ratio const& of) {
  return {.estimate = of.estimate,
          .low = std::isfinite(of.low) ? of.low : of.estimate,
          .high = std::isfinite(of.high) ? of.high : of.estimate};
}

std::string values(bench::ratio const& of) {
  auto const drawn = without_nan(of);
  return fmt::format("{:.6g} {:.6g} {:.6g}", drawn.estimate, drawn.low, drawn.high);
}

// A named block of data and the piece of the plot command that draws it.
class line_plot {
 public:
  void add(std::string const& name, std::vector<std::pair<double, bench::ratio>> const& points) {
    if (points.empty()) return;
    blocks_ += fmt::format("$line{} << END\n", count_);
    for (auto const& [x, y] : points) blocks_ += fmt::format("{:.6g} {}\n", x, values(y));
    blocks_ += "END\n";
    style const& with = styles[count_ % styles.size()];
    add_piece(
        fmt::format("$line{0} using 1:2 with lines notitle {1}, $line{0} using 1:2:3:4 with "
                    "yerrorbars title '{2}' {3}",
                    count_, line_style(with), name, point_style(with)));
    ++count_;
  }

  void add_piece(std::string const& piece) {
    if (!pieces_.empty()) pieces_ += ", \\\n  ";
    pieces_ += piece;
  }

  [[nodiscard]] std::string const& data() const { return blocks_; }
  [[nodiscard]] std::string plot() const { return "plot " + pieces_ + "\n"; }

 private:
  std::size_t count_ = 0;
  std::string blocks_;
  std::string pieces_;
};

// Names at the left, one in a row, the first at the top.
std::string named_rows(std::size_t count) {
  return fmt::format(
      "set yrange [{}:-0.6]\nset ytics scale 0\nunset grid\n"
      "set grid xtics ytics linecolor '#dddddd'\n",
      static_cast<double>(count) - 0.4);
}

}  // namespace

std::string concurrency_plot(results const& from, std::string const& workload) {
  line_plot amounts;
  line_plot shares;
  std::string const limit = "with lines linecolor rgb '#999999' dashtype 3 linewidth 2";
  amounts.add_piece("[0.8:1300] x / 0.02 title 'limit: 20 ms each' " + limit);
  shares.add_piece("[0.8:1300] 100 notitle " + limit);
  for (char const* const executor :
       {"io_uring", "epoll", "threads", "processes", "asyncio", "Python threads"}) {
    std::vector<std::pair<double, bench::ratio>> amount;
    std::vector<std::pair<double, bench::ratio>> share;
    for (measured const& each : from.cells) {
      if (each.at.workload != workload || each.at.executor != executor) continue;
      auto const clients = static_cast<double>(each.at.clients);
      auto const done = interval_of(column(each, &sample::per_second));
      double const percent = 100 * 0.02 / clients;
      amount.emplace_back(clients, done);
      share.emplace_back(clients, bench::ratio{.estimate = percent * done.estimate,
                                               .low = percent * done.low,
                                               .high = percent * done.high});
    }
    amounts.add(executor, amount);
    shares.add(executor, share);
  }
  // The lower panel shows what the scale of the upper one hides.
  return preamble(760) + amounts.data() + "set multiplot\nset lmargin 11\nset rmargin 26\n" +
         "set logscale x\nset xtics (1, 2, 4, 16, 64, 256, 1024)\nset xrange [0.8:1300]\n"
         "set origin 0, 0.4\nset size 1, 0.6\nset logscale y\nset format y '%.0f'\n"
         "set ylabel 'operations per second'\n" +
         amounts.plot() + shares.data() +
         "set origin 0, 0\nset size 1, 0.4\nunset logscale y\nunset key\nset yrange [0:125]\n"
         "set xlabel 'in flight: threads, processes or tasks'\nset ylabel '% of the limit'\n" +
         shares.plot() + "unset multiplot\n";
}

std::string gaps_plot(results const& from, std::vector<place> const& shown) {
  std::string p99;
  std::string worst;
  std::size_t row = 0;
  for (place const& at : shown) {
    auto const usual = figure_of(from, at, &sample::p99_gap_ms);
    auto const longest = figure_of(from, at, &sample::worst_gap_ms);
    if (!usual || !longest || std::isnan(usual->value.estimate)) continue;
    p99 += fmt::format("{} {} \"{}\"\n", row, values(usual->value), at.executor_and_size());
    worst += fmt::format("{} {}\n", row, values(longest->value));
    ++row;
  }
  return preamble(120 + 34 * static_cast<int>(row)) + named_rows(row) +
         "set logscale x\nset format x '%g'\nset key outside bottom center horizontal\n"
         "set xlabel 'gap between the ticks of a 1 ms clock beside the work, in ms'\n"
         "$p99 << END\n" +
         p99 + "END\n$worst << END\n" + worst + "END\n" +
         "plot $p99 using 2:($1-0.12):3:4:ytic(5) with xerrorbars title 'p99' linecolor rgb "
         "'#0072B2' pointtype 7 pointsize 0.9 linewidth 2, $worst using 2:($1+0.12):3:4 with "
         "xerrorbars title 'worst' linecolor rgb '#D55E00' pointtype 9 pointsize 0.9 linewidth 2\n";
}

std::string speed_up_plot(std::vector<speed_up_line> const& lines, std::size_t cores) {
  auto script = preamble(480) +
                "set xtics (1, 2, 4)\nset xrange [0.6:4.5]\nset yrange [0:*]\nset samples 400\n"
                "set xlabel 'workers: threads or processes'\n"
                "set ylabel 'times what one by one does, in the same language'\n";
  line_plot plot;
  plot.add_piece(fmt::format(
      "(x < 1 || x > 4 ? NaN : x < {0} ? x : {0}) title 'ideal on {0} cores' with lines "
      "linecolor rgb '#999999' dashtype 3 linewidth 2",
      cores));
  // Side by side, so that bars of the same place can be told apart.
  double shift = -0.08 * static_cast<double>(lines.size() - 1) / 2;
  for (speed_up_line const& line : lines) {
    std::vector<std::pair<double, bench::ratio>> points;
    points.reserve(line.workers.size());
    for (std::size_t i = 0; i < line.workers.size(); ++i)
      points.emplace_back(static_cast<double>(line.workers[i]) + shift, line.times[i]);
    plot.add(line.name, points);
    shift += 0.08;
  }
  return plot.data() + script + plot.plot();
}

std::string break_even_plot(std::vector<offload_curve> const& curves) {
  auto script = preamble(480) +
                "set logscale xy\nset xrange [0.8:13000]\nset format x '%g'\nset format y '%g'\n"
                "set ytics (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)\n"
                "set xlabel 'work in one job, \xc2\xb5s'\n"
                "set ylabel 'jobs per second / jobs per second on the loop'\n";
  line_plot plot;
  plot.add_piece(
      "1 title 'as on the loop' with lines linecolor rgb '#999999' dashtype 3 linewidth 2");
  double shift = 1;  // so that bars of the same place can be told apart
  for (offload_curve const& curve : curves) {
    std::vector<std::pair<double, bench::ratio>> points;
    for (std::size_t i = 0; i < curve.job_us.size(); ++i) {
      std::vector<double> of_size;
      of_size.reserve(curve.rounds.size());
      for (auto const& round : curve.rounds) of_size.push_back(round[i]);
      points.emplace_back(shift * curve.job_us[i], interval_of(of_size));
    }
    plot.add(curve.executor, points);
    shift *= 1.05;
  }
  return plot.data() + script + plot.plot();
}

std::string against_python_plot(std::vector<figure> const& ratios) {
  std::string rows;
  for (std::size_t i = 0; i < ratios.size(); ++i)
    rows += fmt::format("{} {} \"{}\"\n", i, values(ratios[i].value), ratios[i].name);
  return preamble(110 + 34 * static_cast<int>(ratios.size())) + named_rows(ratios.size()) +
         "set logscale x\nset format x '%g'\nunset key\n"
         "set xlabel 'operations per second, Weft / Python: right of 1 Weft does more'\n"
         "set arrow from 1, graph 0 to 1, graph 1 nohead linecolor rgb '#555555' linewidth 2\n"
         "$ratios << END\n" +
         rows + "END\n" +
         "plot $ratios using 2:1:3:4:ytic(5) with xerrorbars linecolor rgb '#0072B2' pointtype 7 "
         "pointsize 0.9 linewidth 2\n";
}

bool has_gnuplot() {
  return std::system("gnuplot --version >/dev/null 2>&1") == 0;  // NOLINT(*-env33-c,*-mt-unsafe)
}

void draw(std::string const& script, std::string const& file) {
  auto const script_file = std::filesystem::path(file).replace_extension("gp").string();
  std::ofstream(script_file) << script;
  auto const command = fmt::format("gnuplot '{}' >'{}'", script_file, file);
  if (std::system(command.c_str()) != 0)  // NOLINT(*-env33-c,*-mt-unsafe): its paths are ours
    throw std::runtime_error(fmt::format("gnuplot could not draw {}", file));
}

}  // namespace io_vs_cpu
