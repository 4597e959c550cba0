#include "copy_tree/tree_copy.hpp"

#include <filesystem>
#include <ranges>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

namespace fs = weft::fs;

tree_copy::tree_copy(std::string from, std::string to, std::size_t at_once,
                     std::function<void(std::string_view)> tell)
    : from_(std::move(from)),
      to_(std::move(to)),
      at_once_(at_once),
      slots_(at_once),
      tell_(std::move(tell)) {}

weft::task<> tree_copy::run() {
  auto const status = co_await fs::stat(from_);
  if (!status.is_directory()) throw std::runtime_error(fmt::format("{} is no directory", from_));
  require_apart();
  co_await make_directory(from_, to_);
  co_await weft::scope([this](weft::task_scope& copies) { return copy_all(copies); });
  co_await finish_directories();
}

// A copy inside of what is copied would never end.
void tree_copy::require_apart() const {
  namespace std_fs = std::filesystem;
  auto const inside = std_fs::relative(std_fs::weakly_canonical(to_), std_fs::canonical(from_));
  if (!inside.empty() && *inside.begin() != "..")
    throw std::runtime_error(fmt::format("{} is inside of {}", to_, from_));
}

weft::task<> tree_copy::copy_all(weft::task_scope& copies) {
  auto walk = fs::walk(from_, {.on_error = [this](auto const& error) { tell_(error.what()); }});
  while (auto const entry = co_await walk.next()) {
    auto target = to_ + entry->path.substr(from_.size());
    bool const is_directory = entry->type == weft::file_type::directory;
    bool is_left_out = left_out_.contains(entry->path.substr(0, entry->path.rfind('/')));
    if (is_directory) {  // before what is in it
      is_left_out = is_left_out || !co_await contained(make_directory(entry->path, target));
      if (is_left_out) left_out_.insert(entry->path);
    }
    if (is_directory || is_left_out) continue;
    auto slot = co_await slots_.acquire();
    copies.spawn([this, found = *entry, target = std::move(target),
                  slot = std::move(slot)]() -> weft::task<> {
      co_await contained(copy_one(found, target));
    });
  }
}

weft::task<> tree_copy::copy_one(fs::walk_entry const& found, std::string const& target) {
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

weft::task<> tree_copy::copy_symlink(std::string const& path, std::string const& target) const {
  auto const status = co_await fs::link_stat(path);
  co_await fs::symlink(co_await fs::read_link(path), target);
  co_await fs::set_status(target, status, is_root_);
}

// One that is there already is filled. Nobody else may look into it before it is finished.
weft::task<> tree_copy::make_directory(std::string path, std::string target) {
  auto const status = co_await fs::stat(path);
  bool exists = false;
  try {
    co_await fs::mkdir(target, 0700);
  } catch (std::system_error const& error) {
    exists = error.code() == std::errc::file_exists;
    if (!exists) throw;
  }
  if (exists && !(co_await fs::link_stat(target)).is_directory())
    throw std::runtime_error(fmt::format("{} is there, and no directory", target));
  directories_.emplace_back(std::move(target), status);
}

// What is put into a directory changes its times, so this comes last, and the innermost first.
weft::task<> tree_copy::finish_directories() {
  for (auto const& [path, status] : directories_ | std::views::reverse)
    co_await contained(fs::set_status(path, status, is_root_));
}

// What fails is told, and keeps nothing else from being copied. Yields whether it did not.
weft::task<bool> tree_copy::contained(weft::task<> step) {
  try {
    co_await std::move(step);
    co_return true;
  } catch (std::exception const& error) {
    tell_(error.what());
  }
  co_return false;
}
