// The tour, as a newcomer sees it: in a pipe, to its end, and left early.
#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "support/program.hpp"
#include "support/temporary_directory.hpp"

#include <doctest/doctest.h>

using support::example;
using support::program;

namespace {

std::vector<std::string> const titles{"1. An event-driven server",
                                      "2. Names, one by one and all at once",
                                      "3. Files",
                                      "4. Computing",
                                      "5. A crash",
                                      "6. Tasks for other machines"};

std::size_t longest_line_of(std::string_view text) {
  std::size_t longest = 0;
  while (!text.empty()) {
    auto const end = std::min(text.find('\n'), text.size());
    longest = std::max(longest, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return longest;
}

}  // namespace

TEST_CASE("the tour goes through all its steps in 80 plain columns, and writes its report") {
  support::temporary_directory const directory;
  auto const report = directory / "report.md";
  auto const ended = program(example("tour"), {"--report", report}).wait();
  CAPTURE(ended.out);
  CHECK(ended.code == 0);
  CHECK(ended.err.empty());
  for (auto const& title : titles) CHECK(ended.out.find('\n' + title + '\n') != std::string::npos);
  CHECK(longest_line_of(ended.out) <= 80);
  CHECK(ended.out.find('\x1b') == std::string::npos);
  CHECK(ended.out.find("7 of 8") != std::string::npos);
  std::ifstream file(report);
  std::string const text(std::istreambuf_iterator<char>(file), {});
  CHECK(text.starts_with("# A tour of Weft\n"));
  CHECK(text.find("| A crash | jobs that were done | 7 of 8 |\n") != std::string::npos);
}

TEST_CASE("Ctrl-C ends the tour at any step, with exit code 130") {
  support::temporary_directory const directory;
  for (auto const& title : titles) {
    CAPTURE(title);
    program tour(example("tour"), {"--report", directory / "report.md"});
    tour.wait_for(title);
    tour.signal(SIGINT);
    auto const ended = tour.wait();
    CHECK(ended.code == 130);
    CHECK(ended.out.ends_with("\nEnded early.\n"));
    CHECK(ended.err.empty());
  }
}
