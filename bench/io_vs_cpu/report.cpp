// See report.hpp.
#include "report.hpp"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>

#include <fmt/format.h>

#include "html.hpp"
#include "plots.hpp"
#include "sections.hpp"
#include "support/report.hpp"

namespace io_vs_cpu {

namespace {

constexpr std::array headings{"executor",     "operations/s", "95 % interval", "CPU us/op",
                              "server us/op", "CPU s",        "peak MiB",      "switches/op",
                              "switches",     "p99 gap ms",   "worst ms",      "ticker"};

using row = std::array<std::string, headings.size()>;

std::string median_text(measured const& of, double sample::* what) {
  auto const value = bench::median(column(of, what));
  return number(value);
}

std::string per_operation(measured const& of, double sample::* what, double unit) {
  std::vector<double> values;
  values.reserve(of.rounds.size());
  for (sample const& each : of.rounds) values.push_back(each.*what * unit / each.done);
  return number(bench::median(values));
}

bool has_server(place const& at) {
  return at.workload == "dns" || at.workload == "tcp" || at.workload == "mix";
}

row row_of(measured const& of) {
  auto const throughput = interval_of(column(of, &sample::per_second));
  bool const has_interval = std::isfinite(throughput.low);
  return {
      of.at.executor_and_size(),
      number(throughput.estimate),
      has_interval ? fmt::format("{} - {}", number(throughput.low), number(throughput.high)) : "-",
      per_operation(of, &sample::processor_s, 1e6),
      has_server(of.at) ? per_operation(of, &sample::server_s, 1e6) : "-",
      median_text(of, &sample::processor_s),
      median_text(of, &sample::peak_mib),
      per_operation(of, &sample::switches, 1),
      median_text(of, &sample::switches),
      of.ticker == "none" ? "-" : median_text(of, &sample::p99_gap_ms),
      of.ticker == "none" ? "-" : median_text(of, &sample::worst_gap_ms),
      of.ticker};
}

struct table {
  std::string title;
  std::vector<row> rows;
};

std::vector<table> tables_of(results const& of) {
  std::vector<table> made;
  for (workload_text const& each : workloads()) {
    table one{.title = fmt::format("{}: {}", each.title, each.operation), .rows = {}};
    for (measured const& cell : of.cells)
      if (cell.at.workload == each.name) one.rows.push_back(row_of(cell));
    if (!one.rows.empty()) made.push_back(std::move(one));
  }
  return made;
}

// A word of warning where other programs had their part of the processors; empty else.
std::string busy_machine(results const& of) {
  auto const* const alone = find(of, {"primes", "blocking", 1});
  if (alone == nullptr) return {};
  std::vector<double> shares;
  shares.reserve(alone->rounds.size());
  for (sample const& each : alone->rounds) shares.push_back(each.processor_s / each.took_s);
  double const share = bench::median(shares);
  if (share > 0.95) return {};
  return fmt::format(
      "This machine was busy with something else: a program that only computes had {:.0f} % of a "
      "core. Throughput and gaps then depend on how the kernel shared the cores out, and more "
      "threads or processes get a larger share: speed-ups may be above the ideal. CPU us/op, "
      "memory "
      "and switches say more.",
      100 * share);
}

std::vector<std::string> notes_of(results const& of) {
  std::vector<std::string> notes{
      ("operations/s is the geometric mean of the rounds, with its 95 % t interval; the other "
       "columns are medians"),
      ("CPU and switches are those of the program and all its children while they worked, without "
       "starting and ending them and without the servers. Where there is a ticker, its own (about "
       "1,000 switches a second) are in it"),
      ("peak MiB: what all processes have together, each shared page once, and what each has had "
       "more at its peak"),
      ("ticker: where the 1 ms clock runs: on the loop, on a thread beside the threads, in the "
       "parent of the processes; blocking calls one by one leave no place for one"),
      fmt::format("tasks \"on a loop\", and the loop that jobs are moved away from, are on {}",
                  of.backend),
      ("asyncio has no files: without a pool its loop reads them, and waits for the device "
       "meanwhile"),
      ("server us/op: processor time of the server for one operation. Servers share the cores with "
       "the clients, and each has one thread: where that is busy, it is the limit, whoever asks"),
      ("blocking, threads and processes are plain C++ (std::thread, fork), and threading.Thread "
       "and multiprocessing.Process in Python")};
  for (auto const& line : of.left_out) notes.push_back("left out: " + line);
  if (!has_gnuplot()) notes.emplace_back("there is no gnuplot, so there are no pictures");
  return notes;
}

std::string contents_of(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string markdown_table(table const& of) {
  std::string text = fmt::format("### {}\n\n| {} |\n|---|", of.title, fmt::join(headings, " | "));
  for (std::size_t i = 2; i < headings.size(); ++i) text += "---:|";
  text += "---|\n";
  for (row const& each : of.rows) text += fmt::format("| {} |\n", fmt::join(each, " | "));
  return text + "\n";
}

void write_file(std::string const& path, std::string const& text) {
  std::ofstream file(path);
  file << text;
  if (!file.flush()) throw std::runtime_error(fmt::format("cannot write {}", path));
}

std::string json_of(measured const& of, std::string const& more = {}) {
  std::vector<std::string> rounds;
  rounds.reserve(of.rounds.size());
  auto const or_null = [](double value) {
    return std::isfinite(value) ? fmt::format("{:.6g}", value) : std::string("null");
  };
  for (sample const& each : of.rounds)
    rounds.push_back(fmt::format(
        R"({{"per_second": {:.6g}, "done": {:.0f}, "took_s": {:.6g}, "processor_s": {:.6g}, )"
        R"("server_s": {:.6g}, "peak_mib": {:.6g}, "switches": {:.0f}, "p99_gap_ms": {}, )"
        R"("worst_gap_ms": {}}})",
        each.per_second, each.done, each.took_s, each.processor_s, each.server_s, each.peak_mib,
        each.switches, or_null(each.p99_gap_ms), or_null(each.worst_gap_ms)));
  return fmt::format(
      R"({{"workload": "{}", "executor": "{}", "clients": {}, "workers": {}, "ticker": "{}",{}
   "rounds": [{}]}})",
      of.at.workload, of.at.executor, of.at.clients, of.at.workers, of.ticker, more,
      fmt::join(rounds, ",\n     "));
}

}  // namespace

void print_tables(results const& of) {
  for (table const& each : tables_of(of)) {
    fmt::print("\n{}\n{:<32}", each.title, headings[0]);
    for (std::size_t i = 1; i < headings.size(); ++i)
      fmt::print("{:>{}}", headings[i], i == 2 ? 20 : 13);
    for (row const& cells : each.rows) {
      fmt::print("\n{:<32}", cells[0]);
      for (std::size_t i = 1; i < cells.size(); ++i)
        fmt::print("{:>{}}", cells[i], i == 2 ? 20 : 13);
    }
    fmt::print("\n");
  }
  fmt::print("\n");
  for (auto const& note : notes_of(of)) fmt::print("- {}\n", note);
  if (auto const warning = busy_machine(of); !warning.empty()) fmt::print("\n{}\n", warning);
  for (section const& each : sections_of(of)) fmt::print("\n{}\n  {}\n", each.title, each.sentence);
  std::fflush(stdout);
}

void write_report(std::string const& directory, bench::description const& run_of,
                  results const& of) {
  std::filesystem::create_directories(directory);
  html_page page("Weft: waiting and computing on different executors");
  std::string markdown = "# Weft: waiting and computing on different executors\n\n";
  page.list_of(run_of);
  for (auto const& [key, value] : run_of) markdown += fmt::format("- {}: {}\n", key, value);
  markdown += "\n";
  if (auto const warning = busy_machine(of); !warning.empty()) {
    page.claim(warning);
    markdown += fmt::format("**{}**\n\n", warning);
  }
  bool const draws = has_gnuplot();
  for (section const& each : sections_of(of)) {
    page.heading(each.title);
    markdown += fmt::format("## {}\n\n", each.title);
    if (draws) {
      auto const file = fmt::format("{}/{}.svg", directory, each.name);
      draw(each.script, file);
      page.picture(contents_of(file), each.sentence);
      markdown += fmt::format("![{}]({}.svg)\n\n", each.title, each.name);
    }
    page.claim(each.sentence);
    page.paragraph(each.note);
    markdown += fmt::format("**{}**\n\n{}\n\n", each.sentence, each.note);
  }
  page.heading("All figures");
  markdown += "## All figures\n\n";
  for (table const& each : tables_of(of)) {
    page.table(each.title, headings, each.rows);
    markdown += markdown_table(each);
  }
  page.heading("How to read them");
  page.list(notes_of(of));
  markdown += "## How to read them\n\n";
  for (auto const& note : notes_of(of)) markdown += fmt::format("- {}\n", note);
  write_file(directory + "/report.html", page.text());
  write_file(directory + "/report.md", markdown);
}

void write_json(std::string const& path, bench::description const& run_of, results const& of) {
  std::vector<std::string> cells;
  cells.reserve(of.cells.size() + 3 * of.offloads.size());
  for (measured const& each : of.cells) cells.push_back(json_of(each));
  for (offload_size const& size : of.offloads)
    for (measured const* const each : {&size.on_loop, &size.on_threads, &size.in_processes})
      cells.push_back(json_of(*each, fmt::format(R"( "job_us": {:.6g},)", size.job_us)));
  write_file(path, fmt::format("{{\"context\": {},\n\"results\": [\n  {}\n]}}\n",
                               bench::json(run_of), fmt::join(cells, ",\n  ")));
}

}  // namespace io_vs_cpu
