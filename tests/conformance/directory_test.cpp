// Directories and what is below them: the contract that every backend keeps.
#include "weft/directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "support/plain_files.hpp"
#include "support/temporary_directory.hpp"
#include "weft/fs.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using support::make_file;
using support::run_on;
using support::temporary_directory;
namespace fs = weft::fs;

namespace {

constexpr int many = 100'000;

using names = std::vector<std::string>;

weft::task<names> walked(std::string path, fs::walk_options options = {}) {
  names found;
  auto const prefix = path.size() + 1;
  auto walk = fs::walk(std::move(path), std::move(options));
  while (auto const entry = co_await walk.next()) found.push_back(entry->path.substr(prefix));
  co_return found;
}

names sorted(names of) {
  std::ranges::sort(of);
  return of;
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("a list has every entry with its type, and no dots") {
  temporary_directory const dir;
  make_file(dir / "file");
  make_file(dir / "\xff\xfe");
  std::filesystem::create_directory(dir / "directory");
  std::filesystem::create_symlink("file", dir / "link");
  ::mkfifo((dir / "fifo").c_str(), 0600);
  run_on<On>([](temporary_directory const& in) -> weft::task<> {
    std::set<std::pair<std::string, weft::file_type>> found;
    auto list = fs::list(in / "");
    while (auto const entry = co_await list.next()) {
      found.emplace(entry->name, entry->type);
      CHECK(entry->inode == (co_await fs::link_stat(in / entry->name)).inode);
    }
    using enum weft::file_type;
    CHECK(found == std::set<std::pair<std::string, weft::file_type>>{{"directory", directory},
                                                                     {"fifo", fifo},
                                                                     {"file", regular},
                                                                     {"link", symlink},
                                                                     {"\xff\xfe", regular}});
  }(dir));
}

TEST_CASE_ON_EVERY_BACKEND("a list that cannot be had says so") {
  run_on<On>([]() -> weft::task<> {
    std::string why;
    auto none = fs::list("/none");
    try {
      co_await none.next();
    } catch (std::system_error const& error) {
      why = error.what();
    }
    CHECK(why == "list /none: No such file or directory");
    auto file = fs::list("/proc/version");
    CHECK_THROWS_AS(co_await file.next(), std::system_error);
    auto nul = fs::list(std::string("a\0b", 3));
    CHECK_THROWS_AS(co_await nul.next(), std::invalid_argument);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a directory of a hundred thousand entries is listed once each") {
  // In memory, where there is such a place: on a device it takes ten seconds to make them.
  temporary_directory const dir(std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "/tmp");
  int const at = ::open((dir / "").c_str(), O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < many; ++i) ::mknodat(at, std::to_string(i).c_str(), S_IFREG | 0600, 0);
  ::close(at);
  auto const before = support::open_descriptors();
  run_on<On>([](std::string path) -> weft::task<> {
    std::vector<bool> seen(many);
    int number = 0;
    auto list = fs::list(path);
    while (auto const entry = co_await list.next()) {
      seen.at(std::stoul(entry->name)) = true;
      ++number;
    }
    CHECK(number == many);
    CHECK(std::ranges::find(seen, false) == seen.end());

    auto left_early = fs::list(path);
    CHECK(co_await left_early.next());
  }(dir / ""));
  CHECK(support::open_descriptors() == before);
}

TEST_CASE_ON_EVERY_BACKEND("a walk has each directory before what is in it") {
  temporary_directory const dir;
  std::filesystem::create_directories(dir / "a/b/c");
  std::filesystem::create_directories(dir / "d");
  for (auto const* name : {"x", "a/x", "a/b/x", "a/b/c/x", "d/x"}) make_file(dir / name);
  run_on<On>([](temporary_directory const& in) -> weft::task<> {
    auto const found = co_await walked(in / "a");
    CHECK(sorted(found) == names{"b", "b/c", "b/c/x", "b/x", "x"});
    for (auto const* name : {"b", "b/c"})
      CHECK(std::ranges::find(found, name) < std::ranges::find(found, name + std::string("/x")));
    CHECK((co_await walked(in / "d/../a/b")).size() == 3);
    CHECK((co_await walked(in / "a/b/c")).size() == 1);
  }(dir));
}

TEST_CASE_ON_EVERY_BACKEND("a walk goes through links only if asked to, and never in circles") {
  temporary_directory const dir;
  std::filesystem::create_directories(dir / "tree/a");
  std::filesystem::create_directory(dir / "elsewhere");
  make_file(dir / "elsewhere/x");
  make_file(dir / "tree/a/y");
  std::filesystem::create_directory_symlink("../..", dir / "tree/a/up");
  std::filesystem::create_directory_symlink(".", dir / "tree/self");
  std::filesystem::create_directory_symlink("../elsewhere", dir / "tree/other");
  std::filesystem::create_symlink("nowhere", dir / "tree/broken");
  run_on<On>([](temporary_directory const& in) -> weft::task<> {
    auto const found = sorted(co_await walked(in / "tree"));
    CHECK(found == names{"a", "a/up", "a/y", "broken", "other", "self"});
    auto const followed = co_await walked(in / "tree", {.follows_symlinks = true});
    CHECK(std::ranges::count_if(followed, [](auto& path) { return path.ends_with("/x"); }) == 1);
    CHECK(std::ranges::count_if(followed, [](auto& path) { return path.ends_with("a/y"); }) == 1);
    CHECK(followed.size() < 20);
  }(dir));
}

TEST_CASE_ON_EVERY_BACKEND("a walk goes deeper than any path is long") {
  temporary_directory const dir;
  std::string const name(200, 'd');
  constexpr int depth = 100;  // 20,000 bytes of path
  int at = ::open((dir / "").c_str(), O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < depth; ++i) {
    ::mkdirat(at, name.c_str(), 0700);
    int const next = ::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY);
    ::close(at);
    at = next;
  }
  ::mknodat(at, "bottom", S_IFREG | 0600, 0);
  ::close(at);
  auto const before = support::open_descriptors();
  run_on<On>([](std::string root, std::string first) -> weft::task<> {
    auto const found = co_await walked(root);
    CHECK(found.size() == depth + 1);
    CHECK(found.back().ends_with("/bottom"));
    CHECK(found.back().size() > 20'000);
    CHECK(co_await fs::remove_all(root + first) == depth + 1);
  }(dir / "", name));
  CHECK(support::open_descriptors() == before);
}

TEST_CASE_ON_EVERY_BACKEND("what cannot be read ends a walk, unless somebody takes the error") {
  temporary_directory const dir;
  std::filesystem::create_directories(dir / "a");
  std::filesystem::create_directories(dir / "b");
  make_file(dir / "b/x");
  run_on<On>([](temporary_directory const& in) -> weft::task<> {
    CHECK_THROWS_AS(co_await walked(in / "none"), std::system_error);

    // The directory vanishes between its own turn and that of what is in it.
    std::vector<std::string> errors;
    auto walk = fs::walk(in / "", {.on_error = [&](std::system_error const& error) {
                           errors.emplace_back(error.what());
                         }});
    std::size_t count = 0;
    while (auto const entry = co_await walk.next()) {
      if (entry->path.ends_with("/a")) std::filesystem::remove(entry->path);
      ++count;
    }
    CHECK(count == 3);
    CHECK(errors == names{"list " + (in / "a") + ": No such file or directory"});
  }(dir));
}
