// copy_tree: copies a directory with everything below it, many files at a time:
//
//   copy_tree photos /mnt/backup/photos
//
// Permissions, times and symbolic links are kept, for root owners too. A file appears under its
// name when it is whole, so whatever ends the copy leaves no half of one. What cannot be copied is
// told on stderr, and the rest is; the exit code is then 1. On a terminal a line tells how far it
// is.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <weft/weft.hpp>

#include "command_line.hpp"
#include "copy_tree/tree_copy.hpp"
#include "progress.hpp"

using namespace std::chrono_literals;

namespace {

weft::task<> draw(progress_line& line, tree_copy const& tree) {
  auto const begun = weft::now();
  co_await weft::finally(
      [&]() -> weft::task<> {
        for (;;) {
          co_await weft::sleep_for(100ms);
          line.draw({.done = tree.done(),
                     .in_flight = tree.in_flight(),
                     .share = {},
                     .elapsed = weft::now() - begun});
        }
      },
      [&]() -> weft::task<> {
        line.clear();
        co_return;
      });
}

// Yields the exit code.
weft::task<int> copy(std::string from, std::string to, std::size_t at_once) {
  bool const on_terminal = ::isatty(STDERR_FILENO) == 1;
  progress_line line;
  bool has_failed = false;
  auto const tell = [&](std::string_view what) {
    has_failed = true;
    if (on_terminal) line.clear();
    fmt::print(stderr, "copy_tree: {}\n", what);
  };
  tree_copy tree(std::move(from), std::move(to), at_once, tell);
  try {
    bool const completed = co_await weft::until_stop([&]() -> weft::task<> {
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        if (!on_terminal) co_return co_await tree.run();
        auto drawing = tasks.spawn(draw(line, tree));
        co_await tree.run();
        drawing.cancel();
      });
    });
    co_return completed && !has_failed ? 0 : 1;
  } catch (std::exception const& error) {
    tell(error.what());
    co_return 1;
  }
}

}  // namespace

int main(int count, char** values) {
  std::string from;
  std::string to;
  std::size_t at_once = 16;
  weft::backend_kind backend = weft::backend_kind::automatic;
  command_line line("Copies a directory and everything below it.", "copy_tree");
  line.add_argument("FROM", from, "the directory");
  line.add_argument("TO", to, "its copy, which is made, or filled if it is there");
  line.add_option("--concurrency", at_once, "files at a time (16)", must_be_between(1, 1'000));
  line.add_backend_option(backend);
  if (auto const code = line.parse(count, values)) return *code;
  while (from.size() > 1 && from.ends_with('/')) from.pop_back();
  while (to.size() > 1 && to.ends_with('/')) to.pop_back();
  return weft::run_main(copy(std::move(from), std::move(to), at_once), {.backend = backend});
}
