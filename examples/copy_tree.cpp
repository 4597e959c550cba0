// copy_tree: copies a directory with everything below it, many files at a time:
//
//   copy_tree photos /mnt/backup/photos
//
// Permissions, times and symbolic links are kept, for root owners too. A file appears under its
// name when it is whole, so whatever ends the copy leaves no half of one. What cannot be copied is
// told on stderr, and the rest is; the exit code is then 1. On a terminal a line tells how far it
// is.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <weft/weft.hpp>

#include "command_line.hpp"
#include "progress.hpp"

using namespace std::chrono_literals;
namespace fs = weft::fs;

namespace {

class tree_copy {
 public:
  tree_copy(std::string from, std::string to, std::size_t at_once)
      : from_(std::move(from)), to_(std::move(to)), slots_(at_once), at_once_(at_once) {}

  // Yields the exit code.
  weft::task<int> run() {
    auto const status = co_await fs::stat(from_);
    if (!status.is_directory()) throw std::runtime_error(fmt::format("{} is no directory", from_));
    require_apart();
    co_await make_directory(from_, to_);
    co_await weft::scope([this](weft::task_scope& tasks) -> weft::task<> {
      auto drawing = tasks.spawn(draw());
      co_await weft::scope([this](weft::task_scope& copies) { return copy_all(copies); });
      drawing.cancel();
    });
    co_await finish_directories();
    co_return failed_ ? 1 : 0;
  }

 private:
  // A copy inside of what is copied would never end.
  void require_apart() const {
    namespace std_fs = std::filesystem;
    auto const inside = std_fs::relative(std_fs::weakly_canonical(to_), std_fs::canonical(from_));
    if (!inside.empty() && *inside.begin() != "..")
      throw std::runtime_error(fmt::format("{} is inside of {}", to_, from_));
  }

  weft::task<> copy_all(weft::task_scope& copies) {
    auto walk = fs::walk(from_, {.on_error = [this](auto const& error) { tell(error.what()); }});
    while (auto const entry = co_await walk.next()) {
      auto target = to_ + entry->path.substr(from_.size());
      if (entry->type == weft::file_type::directory) {  // before what is in it
        co_await contained(make_directory(entry->path, std::move(target)));
        continue;
      }
      auto slot = co_await slots_.acquire();
      copies.spawn([this, found = *entry, target = std::move(target),
                    slot = std::move(slot)]() -> weft::task<> {
        co_await contained(copy_one(found, target));
      });
    }
  }

  weft::task<> copy_one(fs::walk_entry const& found, std::string const& target) {
    switch (found.type) {
      case weft::file_type::regular:
        co_await fs::copy_file(found.path, target, {.keeps_times = true, .keeps_owner = is_root_});
        break;
      case weft::file_type::symlink: co_await copy_symlink(found.path, target); break;
      default:
        throw std::runtime_error(
            fmt::format("{} is neither a file nor a directory nor a link", found.path));
    }
    ++done_;
  }

  weft::task<> copy_symlink(std::string const& path, std::string const& target) {
    auto const status = co_await fs::link_stat(path);
    co_await fs::symlink(co_await fs::read_link(path), target);
    if (is_root_) co_await fs::set_owner(target, status.user, status.group);
    co_await fs::set_times(target, status.accessed, status.modified);
  }

  // One that is there already is filled. Nobody else may look into it before it is finished.
  weft::task<> make_directory(std::string path, std::string target) {
    auto const status = co_await fs::stat(path);
    try {
      co_await fs::mkdir(target, 0700);
    } catch (std::system_error const& error) {
      if (error.code() != std::errc::file_exists) throw;
    }
    directories_.emplace_back(std::move(target), status);
  }

  // What is put into a directory changes its times, so this comes last, and the innermost first.
  weft::task<> finish_directories() {
    for (auto const& [path, status] : directories_ | std::views::reverse)
      co_await contained(finish_directory(path, status));
  }

  weft::task<> finish_directory(std::string const& path, weft::file_status const& status) const {
    if (is_root_) co_await fs::set_owner(path, status.user, status.group);
    co_await fs::set_permissions(path, status.permissions);
    co_await fs::set_times(path, status.accessed, status.modified);
  }

  // What fails is told, and keeps nothing else from being copied.
  weft::task<> contained(weft::task<> step) {
    try {
      co_await std::move(step);
    } catch (std::exception const& error) {
      tell(error.what());
    }
  }

  void tell(char const* what) {
    failed_ = true;
    if (on_terminal_) line_.clear();
    fmt::print(stderr, "copy_tree: {}\n", what);
  }

  weft::task<> draw() {
    if (!on_terminal_) co_return;
    auto const begun = weft::now();
    co_await weft::finally(
        [&]() -> weft::task<> {
          for (;;) {
            co_await weft::sleep_for(100ms);
            line_.draw({.done = done_,
                        .in_flight = at_once_ - slots_.available(),
                        .share = {},
                        .elapsed = weft::now() - begun});
          }
        },
        [this]() -> weft::task<> {
          line_.clear();
          co_return;
        });
  }

  std::string from_;
  std::string to_;
  weft::semaphore slots_;
  std::size_t at_once_;
  std::vector<std::pair<std::string, weft::file_status>> directories_;  // in the order of making
  std::uint64_t done_ = 0;
  bool failed_ = false;
  bool const is_root_ = ::geteuid() == 0;
  bool const on_terminal_ = ::isatty(STDERR_FILENO) == 1;
  progress_line line_;
};

weft::task<int> copy(std::string from, std::string to, std::size_t at_once) {
  tree_copy tree(std::move(from), std::move(to), at_once);
  try {
    auto const code = co_await weft::until_stop(tree.run());
    co_return code.value_or(1);
  } catch (std::exception const& error) {
    fmt::print(stderr, "copy_tree: {}\n", error.what());
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
