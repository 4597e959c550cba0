// Copying a directory with everything below it, many files at a time.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weft/weft.hpp>

class tree_copy {
 public:
  // `tell` is called with what could not be copied, and why.
  tree_copy(std::string from, std::string to, std::size_t at_once,
            std::function<void(std::string_view)> tell);

  // Throws when it makes no sense at all: `from` is no directory, or `to` is inside of it.
  weft::task<> run();

  [[nodiscard]] std::uint64_t done() const noexcept { return done_; }
  [[nodiscard]] std::size_t in_flight() const noexcept { return at_once_ - slots_.available(); }

 private:
  void require_apart() const;
  weft::task<> copy_all(weft::task_scope& copies);
  weft::task<> copy_one(weft::fs::walk_entry const& found, std::string const& target);
  weft::task<> copy_symlink(std::string const& path, std::string const& target) const;
  weft::task<> make_directory(std::string path, std::string target);
  weft::task<> finish_directories();
  weft::task<bool> contained(weft::task<> step);

  std::string from_;
  std::string to_;
  std::size_t at_once_;
  weft::semaphore slots_;
  std::function<void(std::string_view)> tell_;
  std::vector<std::pair<std::string, weft::file_status>> directories_;  // in the order of making
  std::set<std::string> left_out_;  // directories that could not be made; nothing below is copied
  std::uint64_t done_ = 0;
  bool const is_root_ = ::geteuid() == 0;
};
