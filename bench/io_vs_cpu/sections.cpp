// See sections.hpp.
#include "sections.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "plots.hpp"

namespace io_vs_cpu {

namespace {

constexpr wording amount{
    .beginning = "{} do {} operations a second: ", .more = "more than", .less = "less than"};
constexpr wording gap{.beginning = "With {} the p99 gap is {} ms: ",
                      .more = "longer than with",
                      .less = "shorter than with"};

void add(std::vector<figure>& to, std::optional<figure> const& one) {
  if (one && std::isfinite(one->value.estimate)) to.push_back(*one);
}

std::string waiting_sentence(results const& of, std::string const& workload) {
  // Who is compared with whom does not depend on the data: picking the best afterwards would make
  // the luckiest look best.
  auto subject = figure_of(of, {workload, "io_uring", 256});
  if (!subject) subject = figure_of(of, {workload, "epoll", 256});
  if (!subject) return "The loop was not measured.";
  std::vector<figure> others;
  if (subject->name.ends_with("io_uring")) add(others, figure_of(of, {workload, "epoll", 256}));
  add(others, figure_of(of, {workload, "threads", 256}));
  add(others, figure_of(of, {workload, "threads", 16}));
  add(others, figure_of(of, {workload, "processes", 4}));
  add(others, figure_of(of, {workload, "blocking", 1}));
  add(others, figure_of(of, {workload, "asyncio", 256}));
  return comparison_sentence(*subject, others, amount);
}

std::vector<place> places_with_ticker(results const& of, std::string const& workload) {
  std::vector<place> shown;
  for (measured const& each : of.cells)
    if (each.at.workload == workload && each.ticker != "none") shown.push_back(each.at);
  return shown;
}

section gaps_section(results const& of, std::string const& workload, std::size_t tasks) {
  auto const where = workload == "mix" ? "the mix runs" : "primes are counted";
  section made{.name = "gaps-" + workload,
               .title = fmt::format("Responsiveness while {}", where),
               .sentence = {},
               .note =
                   "On a loop the clock is a task of that loop; for threads it is one more "
                   "thread, for processes a thread of their parent. Each tick that was due "
                   "counts, also those that a long gap has swallowed. The scale is "
                   "logarithmic; bars are 95 % intervals.",
               .script = gaps_plot(of, places_with_ticker(of, workload))};
  place const alone{workload, "epoll", tasks};
  auto const subject = figure_of(of, {workload, "loop + threads", tasks, 2}, &sample::p99_gap_ms);
  std::vector<figure> others;
  add(others, figure_of(of, alone, &sample::p99_gap_ms));
  add(others, figure_of(of, {workload, "io_uring", tasks}, &sample::p99_gap_ms));
  add(others, figure_of(of, {workload, "loop + processes", tasks, 2}, &sample::p99_gap_ms));
  add(others, figure_of(of, {workload, "threads", 16}, &sample::p99_gap_ms));
  add(others, figure_of(of, {workload, "asyncio", tasks}, &sample::p99_gap_ms));
  add(others, figure_of(of, {workload, "asyncio + threads", tasks, 2}, &sample::p99_gap_ms));
  if (subject) made.sentence = comparison_sentence(*subject, others, gap);
  return made;
}

std::vector<speed_up_line> speed_up_lines(results const& of) {
  std::vector<speed_up_line> lines;
  place const plain{"primes", "blocking", 1};
  place const python{"primes", "Python blocking", 1};
  auto const add_line = [&](char const* executor, bool has_pool, place const& base) {
    speed_up_line line{.name = executor, .workers = {}, .times = {}};
    for (std::size_t const workers : {1U, 2U, 4U}) {
      place at{"primes", executor, workers};
      if (has_pool) at = {"primes", executor, tasks_of_primes, workers};
      if (auto const times = proportion(of, at, base)) {
        line.workers.push_back(workers);
        line.times.push_back(*times);
      }
    }
    if (!line.workers.empty()) lines.push_back(line);
  };
  add_line("threads", false, plain);
  add_line("processes", false, plain);
  add_line("loop + threads", true, plain);
  add_line("loop + processes", true, plain);
  add_line("Python threads", false, python);
  add_line("Python processes", false, python);
  return lines;
}

section speed_up_section(results const& of) {
  auto const lines = speed_up_lines(of);
  std::vector<figure> with_two;
  for (speed_up_line const& line : lines)
    if (auto const at = std::ranges::find(line.workers, 2U); at != line.workers.end())
      with_two.push_back(
          {line.name, line.times[static_cast<std::size_t>(at - line.workers.begin())]});
  return {.name = "speed-up",
          .title = "Speed-up against workers, counting primes",
          .sentence = speed_up_sentence(2, of.cores, with_two),
          .note =
              "C++ is compared with C++, Python with Python; the points of one number of "
              "workers stand side by side. Bars are 95 % intervals.",
          .script = speed_up_plot(lines, of.cores)};
}

section break_even_section(results const& of) {
  auto const threads = curve_of(of, "thread pool", &offload_size::on_threads);
  auto const processes = curve_of(of, "process pool", &offload_size::in_processes);
  return {
      .name = "break-even",
      .title = "From which size on a job is worth moving",
      .sentence = break_even_sentence(threads, processes),
      .note = fmt::format(
          "{0} workers on {0} cores, twice as many jobs in flight. Below the line of 1 the loop "
          "alone does more; but while it does, everything else on it waits. A job of 1 \xc2\xb5s "
          "is "
          "as much work as an idle core does in 1 \xc2\xb5s. Both scales are logarithmic; bars are "
          "95 % intervals.",
          of.cores),
      .script = break_even_plot({threads, processes})};
}

std::vector<figure> ratios_to_python(results const& of) {
  std::vector<figure> ratios;
  auto const pair = [&](std::string const& name, place const& ours, place const& theirs) {
    if (auto const ratio = proportion(of, ours, theirs)) ratios.push_back({name, *ratio});
  };
  for (auto const& [workload, title] :
       {std::pair("sleep", "sleep"), std::pair("dns", "DNS"), std::pair("tcp", "TCP")}) {
    std::string const loop = find(of, {workload, "io_uring", 256}) ? "io_uring" : "epoll";
    pair(fmt::format("{}, 256 tasks", title), {workload, loop, 256}, {workload, "asyncio", 256});
    pair(fmt::format("{}, 1,024 tasks", title), {workload, loop, thousand},
         {workload, "asyncio", thousand});
  }
  for (auto const& [workload, tasks] :
       {std::pair("cached", tasks_of_files), std::pair("hashing", tasks_of_files),
        std::pair("primes", tasks_of_primes), std::pair("mix", tasks_of_mix)}) {
    std::string const loop = find(of, {workload, "io_uring", tasks}) ? "io_uring" : "epoll";
    pair(fmt::format("{}, loop alone", workload), {workload, loop, tasks},
         {workload, "asyncio", tasks});
    pair(fmt::format("{}, threads", workload), {workload, "loop + threads", tasks, 2},
         {workload, "asyncio + threads", tasks, 2});
    pair(fmt::format("{}, processes", workload), {workload, "loop + processes", tasks, 2},
         {workload, "asyncio + processes", tasks, 2});
  }
  return ratios;
}

}  // namespace

std::vector<section> sections_of(results const& of) {
  std::vector<section> made;
  for (workload_text const& each : workloads()) {
    std::string const name = each.name;
    if (name != "sleep" && name != "dns" && name != "tcp") continue;
    if (find(of, {name, "blocking", 1}) == nullptr) continue;
    made.push_back({.name = "throughput-" + name,
                    .title = fmt::format("Throughput against concurrency: {}", each.title),
                    .sentence = waiting_sentence(of, name),
                    .note = fmt::format("One operation is {}. Whoever waits loses nothing to the "
                                        "limit. Both scales are logarithmic; bars are 95 % "
                                        "intervals.",
                                        each.operation),
                    .script = concurrency_plot(of, name)});
  }
  if (find(of, {"mix", "epoll", tasks_of_mix}))
    made.push_back(gaps_section(of, "mix", tasks_of_mix));
  if (find(of, {"primes", "epoll", tasks_of_primes}))
    made.push_back(gaps_section(of, "primes", tasks_of_primes));
  if (find(of, {"primes", "blocking", 1})) made.push_back(speed_up_section(of));
  if (!of.offloads.empty()) made.push_back(break_even_section(of));
  if (auto const ratios = ratios_to_python(of); !ratios.empty())
    made.push_back({.name = "against-python",
                    .title = "Weft against Python",
                    .sentence = against_python_sentence(ratios),
                    .note =
                        "The loop alone against asyncio, with a pool of 2 workers against "
                        "asyncio with the same pool. Where the work computes (primes, mix) it is "
                        "C++ against Python first of all, not one runtime against the other. "
                        "asyncio has no files: its loop reads them by itself (cached, "
                        "hashing), which waits for nothing only as long as they are cached. "
                        "Bars are 95 % intervals.",
                    .script = against_python_plot(ratios)});
  return made;
}

}  // namespace io_vs_cpu
