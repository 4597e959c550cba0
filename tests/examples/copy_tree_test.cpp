// copy_tree, judged by diff(1) and find(1).
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
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
namespace fs = std::filesystem;

namespace {

program::ended copy_tree(std::vector<std::string> arguments) {
  return program(example("copy_tree"), std::move(arguments)).wait();
}

// What diff leaves out: permissions, owners, times and links.
std::string described(std::string const& tree) {
  auto const listed =
      program("/usr/bin/find", {tree, "-printf", "%P %y %m %U %G %T@ %l\\n"}).wait();
  CHECK(listed.code == 0);
  std::string all;
  for (auto const& line : support::sorted_lines(listed.out)) all += line + '\n';
  return all;
}

void check_same(std::string const& one, std::string const& other) {
  auto const differences = program("/usr/bin/diff", {"-r", "--no-dereference", one, other}).wait();
  CHECK(differences.out == "");
  CHECK(differences.code == 0);
  CHECK(described(one) == described(other));
}

void age(std::string const& path, int seconds) {
  timespec const times[2] = {{.tv_sec = seconds, .tv_nsec = 1}, {.tv_sec = seconds, .tv_nsec = 2}};
  ::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

void make_tree(std::string const& at) {
  fs::create_directories(at + "/a/b/c/d/e");
  fs::create_directories(at + "/empty");
  for (int i = 0; i < 300; ++i) {
    auto const path = at + "/a/" + (i % 3 == 0 ? "b/" : "") + "file" + std::to_string(i);
    make_file(path, support::pattern(static_cast<std::size_t>(i) * 37));
    ::chmod(path.c_str(), i % 2 == 0 ? 0640 : 0755);
    age(path, 1'000'000 + i);
  }
  make_file(at + "/a/b/c/\xff\xfe not text\n", "x");
  make_file(at + "/a/b/c/d/e/large", support::pattern(20'000'000));
  fs::create_symlink("nowhere", at + "/dangling");
  fs::create_directory_symlink("../a", at + "/a/b/circle");
  age(at + "/dangling", 77);
  fs::create_directory(at + "/locked");
  make_file(at + "/locked/x", "x");
  ::chmod((at + "/locked").c_str(), 0555);
  ::chmod((at + "/empty").c_str(), 01777);
  for (auto const* directory : {"/a/b", "/a", "/empty", "/locked", ""}) age(at + directory, 5'000);
}

}  // namespace

TEST_CASE("the copy of a tree is like it in everything") {
  temporary_directory const dir;
  make_tree(dir / "tree");
  for (auto const* backend : {"uring", "epoll"})
    for (auto const* at_once : {"1", "16", "200"}) {
      CAPTURE(backend);
      CAPTURE(at_once);
      auto const done =
          copy_tree({"--backend", backend, "--concurrency", at_once, dir / "tree/", dir / "copy"});
      CHECK(done.code == 0);
      CHECK(done.out == "");
      CHECK(done.err == "");
      check_same(dir / "tree", dir / "copy");
      fs::permissions(dir / "copy/locked", fs::perms::owner_all);
      fs::remove_all(dir / "copy");
    }
}

TEST_CASE("a directory that is there is filled, and what is there replaced") {
  temporary_directory const dir;
  fs::create_directories(dir / "tree/a");
  make_file(dir / "tree/a/x", "new");
  fs::create_directories(dir / "copy/a");
  make_file(dir / "copy/a/x", "old");
  make_file(dir / "copy/other", "stays");
  CHECK(copy_tree({dir / "tree", dir / "copy"}).code == 0);
  CHECK(support::contents(dir / "copy/a/x") == "new");
  CHECK(support::contents(dir / "copy/other") == "stays");
}

TEST_CASE("what is in the place of a directory stays as it is, and nothing is written through it") {
  temporary_directory const dir;
  fs::create_directories(dir / "tree/a");
  fs::create_directories(dir / "tree/b");
  make_file(dir / "tree/a/x", "x");
  fs::create_directories(dir / "elsewhere");
  ::chmod((dir / "elsewhere").c_str(), 0700);
  fs::create_directories(dir / "copy");
  fs::create_directory_symlink(dir / "elsewhere", dir / "copy/a");
  make_file(dir / "copy/b", "precious");
  ::chmod((dir / "copy/b").c_str(), 0600);
  auto const before = described(dir / "elsewhere") + described(dir / "copy/b");
  auto const done = copy_tree({dir / "tree", dir / "copy"});
  CHECK(done.code == 1);
  CHECK(done.err.find((dir / "copy/b") + " is there, and no directory") != std::string::npos);
  CHECK(described(dir / "elsewhere") + described(dir / "copy/b") == before);
}

TEST_CASE("what cannot be copied is told, and the rest is copied") {
  temporary_directory const dir;
  fs::create_directory(dir / "tree");
  ::mkfifo((dir / "tree/fifo").c_str(), 0600);
  make_file(dir / "tree/x", "x");
  auto const done = copy_tree({dir / "tree", dir / "copy"});
  CHECK(done.code == 1);
  CHECK(done.err ==
        "copy_tree: " + (dir / "tree/fifo") + " is neither a file nor a directory nor a link\n");
  CHECK(support::names_in(dir / "copy") == std::vector<std::string>{"x"});
}

TEST_CASE("what makes no sense is told in one line") {
  temporary_directory const dir;
  make_file(dir / "file");
  fs::create_directory(dir / "tree");
  auto const missing = copy_tree({dir / "none", dir / "copy"});
  CHECK(missing.code == 1);
  CHECK(missing.err == "copy_tree: stat " + (dir / "none") + ": No such file or directory\n");
  CHECK(copy_tree({dir / "file", dir / "copy"}).err ==
        "copy_tree: " + (dir / "file") + " is no directory\n");
  auto const inside = copy_tree({dir / "tree", dir / "tree/copy"});
  CHECK(inside.code == 1);
  CHECK(inside.err ==
        "copy_tree: " + (dir / "tree/copy") + " is inside of " + (dir / "tree") + "\n");
  CHECK(fs::is_empty(dir / "tree"));
  CHECK(copy_tree({dir / "tree"}).code == 2);
}
