// tail, judged by the system's.
#include <csignal>
#include <filesystem>
#include <fstream>
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
using support::temporary_directory;

namespace {

constexpr auto system_tail = "/usr/bin/tail";

void append(std::string const& path, std::string_view text) {
  std::ofstream(path, std::ios::binary | std::ios::app) << text;
}

std::string numbered_lines(int count) {
  std::string text;
  for (int i = 1; i <= count; ++i) text += "line " + std::to_string(i) + '\n';
  return text;
}

}  // namespace

TEST_CASE("the last lines are those that the system's tail prints") {
  temporary_directory const dir;
  make_file(dir / "many", numbered_lines(30'000));
  make_file(dir / "few", numbered_lines(3));
  make_file(dir / "no end", numbered_lines(20) + "the end");
  make_file(dir / "blank", std::string(200'000, '\n'));
  make_file(dir / "long", std::string(200'000, 'x') + '\n' + std::string(70'000, 'y'));
  make_file(dir / "empty");
  for (auto const* backend : {"uring", "epoll"})
    for (auto const* lines : {"0", "1", "2", "10", "20000", "99999999"})
      for (auto const* name : {"many", "few", "no end", "blank", "long", "empty"}) {
        CAPTURE(lines);
        CAPTURE(name);
        auto const said =
            program(example("tail"), {"--backend", backend, "-n", lines, dir / name}).wait();
        CHECK(said.out == program(system_tail, {"-n", lines, dir / name}).wait().out);
        CHECK(said.code == 0);
      }
  std::vector<std::string> const several{dir / "many", dir / "none", dir / "few", dir / "empty"};
  auto const said = program(example("tail"), several).wait();
  auto const expected = program(system_tail, several).wait();
  CHECK(said.out == expected.out);
  CHECK(said.code == 1);
  CHECK(said.err ==
        "tail: cannot open '" + (dir / "none") + "' for reading: No such file or directory\n");
}

TEST_CASE("what is added to several files is followed as by the system's tail") {
  for (std::vector<std::string> const& start :
       {std::vector<std::string>{system_tail, "-f"},
        std::vector<std::string>{example("tail"), "-f", "--backend", "uring"},
        std::vector<std::string>{example("tail"), "-f", "--backend", "epoll"}}) {
    CAPTURE(start.front());
    temporary_directory const dir;
    auto const one = dir / "one";
    auto const other = dir / "other";
    make_file(one, "first\n");
    make_file(other, "second\n");
    std::vector<std::string> arguments(start.begin() + 1, start.end());
    arguments.insert(arguments.end(), {one, other});
    program following(start.front(), arguments);
    following.wait_for("second\n");
    append(other, "third\n");
    following.wait_for("third\n");
    append(one, "fourth\n");
    following.wait_for("fourth\n");
    append(one, std::string(100'000, 'x') + "fifth\n");
    following.wait_for("fifth\n");
    std::filesystem::rename(one, dir / "renamed");
    append(dir / "renamed", "sixth\n");
    following.wait_for("sixth\n");
    std::filesystem::resize_file(other, 0);
    append(other, "new\n");
    following.wait_for("new\n");
    following.signal(SIGTERM);
    auto const ended = following.wait();
    CHECK(ended.out == "==> " + one + " <==\nfirst\n\n==> " + other +
                           " <==\nsecond\nthird\n\n==> " + one + " <==\nfourth\n" +
                           std::string(100'000, 'x') + "fifth\nsixth\n\n==> " + other +
                           " <==\nnew\n");
    bool const tells_of_the_cut = ended.err.ends_with(other + ": file truncated\n");
    CHECK(tells_of_the_cut);
  }
}

TEST_CASE("what cannot be followed is told in one line") {
  temporary_directory const dir;
  auto const said = program(example("tail"), {"-f", dir / "none"}).wait();
  CHECK(said.code == 1);
  CHECK(said.err == "tail: cannot open '" + (dir / "none") +
                        "' for reading: No such file or directory\ntail: no files remaining\n");
}
