// tour: what Weft does, in half a minute, on this machine and without a network: each step does
// real work, says what it measured, and what to take from it. `./dev run` runs it.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>

#include <fmt/format.h>
#include <weft/weft.hpp>

#include "command_line.hpp"
#include "tour/advice.hpp"
#include "tour/narrator.hpp"
#include "tour/steps.hpp"

using namespace std::chrono_literals;

namespace {

struct arguments {
  std::string report = "tour-report.md";
  weft::backend_kind backend = weft::backend_kind::automatic;
};

weft::task<> walk_through(narrator& out) {
  auto const programs = std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
  co_await tour::serve_clients(out);
  co_await tour::resolve_names(out, programs);
  co_await tour::read_files(out);
  co_await tour::compute(out);
  co_await tour::lose_a_worker(out);
  co_await tour::share_tasks(out);
}

weft::task<int> show(arguments given) {
  narrator out;
  out.say(
      fmt::format("A tour of Weft, a coroutine-based async runtime for Linux; its loop runs on "
                  "{} here. Six steps, less than a minute; Ctrl-C ends it at any time.",
                  weft::this_loop::backend_name()));
  bool const is_whole = co_await weft::until_stop(walk_through(out));
  out.clear();
  if (!is_whole) {
    fmt::print("\nEnded early.\n");
    co_return 130;  // as a shell has it for SIGINT
  }
  out.print_table();
  co_await weft::fs::write_file(given.report, out.as_markdown());
  fmt::print("\n");
  out.say(
      fmt::format("The same as a table of Markdown is in {}. What to run where is in "
                  "docs/where-work-belongs.md; ./dev bench lists what measures more closely.",
                  given.report));
  co_return 0;
}

}  // namespace

int main(int count, char** values) {
  arguments given;
  command_line line("Shows what Weft does, with what it measures on this machine.", "tour");
  line.add_option("--report", given.report, "where to write what was measured (tour-report.md)");
  line.add_backend_option(given.backend);
  if (auto const code = line.parse(count, values)) return *code;
  tour::advice const heard;
  int const code = weft::run_main(show(given), {.backend = given.backend, .stall_threshold = 50ms});
  auto const said = tour::advice::take();
  if (said.empty() || code == 130) return code;
  if (code == 0) {
    narrator out;
    fmt::print("\n");
    out.say("Besides, Weft said:");
    out.quote_all(said);
  } else {
    fmt::print(stderr, "{}", said);
  }
  return code;
}
