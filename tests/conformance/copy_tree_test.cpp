// The work of examples/copy_tree, called off at every point: what has its final name is whole.
#include "copy_tree/tree_copy.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/every_point.hpp"
#include "support/plain_files.hpp"
#include "support/temporary_directory.hpp"

#include <doctest/doctest.h>

using support::contents;
using support::expect;
using support::make_file;
using support::temporary_directory;
namespace std_fs = std::filesystem;

namespace {

void make_tree(std::string const& at) {
  std_fs::create_directories(at + "/a/b");
  std_fs::create_directories(at + "/c");
  make_file(at + "/empty");
  make_file(at + "/a/small", "small");
  make_file(at + "/a/b/page", support::pattern(4'096));
  make_file(at + "/c/large", support::pattern(300'000));
  std_fs::create_symlink("a/small", at + "/link");
}

// Of a copy, or of the beginning of one.
void check_whole(std::string const& tree, std::string const& copy) {
  if (!std_fs::exists(copy)) return;
  for (auto const& found : std_fs::recursive_directory_iterator(copy)) {
    auto const original = tree + found.path().string().substr(copy.size());
    expect(std_fs::exists(std_fs::symlink_status(original)));  // no temporary name is left
    if (found.is_symlink())
      expect(std_fs::read_symlink(found.path()) == std_fs::read_symlink(original));
    else if (found.is_regular_file())
      expect(contents(found.path()) == contents(original));
  }
}

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("a tree copy that is cancelled at any point leaves only whole files") {
  temporary_directory const dir;
  auto const tree = dir / "tree";
  auto const copy = dir / "copy";
  make_tree(tree);
  auto const before = support::open_descriptors();
  auto const body = [&]() -> weft::task<> {
    tree_copy copying(tree, copy, 3, [](std::string_view) { expect(false); });
    co_await copying.run();
  };
  int const rounds = support::cancel_at_every_point<On>(body, [&] {
    check_whole(tree, copy);
    std_fs::remove_all(copy);
    expect(support::descriptors_fall_to(before));
  });
  CHECK(rounds > 20);
}
