// grep, judged by the system's.
#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/bytes.hpp"
#include "support/plain_files.hpp"
#include "support/program.hpp"
#include "support/temporary_directory.hpp"

#include <doctest/doctest.h>

using support::example;
using support::make_file;
using support::program;
using support::sorted_lines;
using support::temporary_directory;
namespace fs = std::filesystem;

namespace {

program::ended ours(std::vector<std::string> arguments) {
  return program(example("grep"), std::move(arguments)).wait();
}

// In the C locale, where every byte is a character.
program::ended theirs(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"LC_ALL=C", "grep", "-rFH"});
  return program("/usr/bin/env", std::move(arguments)).wait();
}

void make_tree(std::string const& at) {
  fs::create_directories(at + "/a/b");
  for (int i = 0; i < 100; ++i) {
    std::string text;
    for (int line = 0; line < i; ++line)
      text += (line % 7 == 3 ? "here is a needle, and needle\n" : "hay\n") +
              std::string(line % 5 == 0 ? "\n" : "");
    make_file(at + "/a/" + (i % 2 == 0 ? "b/" : "") + std::to_string(i), text);
  }
  make_file(at + "/no end", "first\nthe needle");
  make_file(at + "/at once", "needle\n");
  make_file(at + "/binary", std::string("a needle\nand \0 more\n", 20));
  make_file(at + "/other bytes", "\xff\xfe needle \xc3\n");
  make_file(at + "/empty");
  make_file(at + "/long", std::string(300'000, 'x') + "needle" + std::string(300'000, 'y'));
  fs::create_symlink("a", at + "/link");  // which is not followed
}

}  // namespace

TEST_CASE("it prints what the system's grep prints, wherever it searches") {
  temporary_directory const dir;
  make_tree(dir / "tree");
  for (auto const* backend : {"uring", "epoll"})
    for (auto const* executor : {"inline", "threads", "processes"})
      for (auto const* pattern : {"needle", "hay", "", "is not there", " \xc3"}) {
        CAPTURE(backend);
        CAPTURE(executor);
        CAPTURE(pattern);
        auto const found = ours({"--backend", backend, "--executor", executor, "-n", pattern,
                                 dir / "tree", dir / "tree/no end"});
        auto const expected = theirs({"-n", "--", pattern, dir / "tree", dir / "tree/no end"});
        CHECK(sorted_lines(found.out) == sorted_lines(expected.out));
        CHECK(found.code == expected.code);
        CHECK(found.err == expected.err);
      }
  auto const found = ours({"needle", dir / "tree"});
  CHECK(sorted_lines(found.out) == sorted_lines(theirs({"needle", dir / "tree"}).out));
}

TEST_CASE("what cannot be read is told as the system's grep tells it, and the rest is searched") {
  temporary_directory const dir;
  make_tree(dir / "tree");
  auto const found = ours({"needle", dir / "none", dir / "tree/at once"});
  auto const expected = theirs({"needle", dir / "none", dir / "tree/at once"});
  CHECK(found.out == expected.out);
  CHECK(found.err == expected.err);
  CHECK(found.code == 2);
  CHECK(expected.code == 2);
}

TEST_CASE("an output that is gone is told in one line") {
  temporary_directory const dir;
  make_tree(dir / "tree");
  auto const shell = program("/bin/sh", {"-c", example("grep") + " needle '" +
                                                   (dir / "tree/at once") + "' > /dev/full"})
                         .wait();
  CHECK(shell.code == 2);
  CHECK(shell.err == "grep: write stdout: No space left on device\n");
  CHECK(ours({"--executor", "elsewhere", "x", dir / "tree"}).code == 2);
  CHECK(ours({"needle"}).code == 2);
}
