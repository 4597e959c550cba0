// The standard streams of a command that is about to start: opens what they are connected with, so
// that every number that the child makes its 0, 1 or 2 is above 2.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "weft/command.hpp"

namespace weft::inline v0::detail {

class standard_streams {
 public:
  // Borrows the name of the program, for what it throws: std::system_error, std::invalid_argument.
  standard_streams(std::array<stdio, 3> const& wanted, std::string const& program);

  // What becomes the child's 0, 1 and 2; -1 for what it has there already. Valid as long as this.
  [[nodiscard]] std::array<int, 3> const& sources() const noexcept { return sources_; }

  // Our ends of the pipes.
  [[nodiscard]] std::array<descriptor, 3>& ours() noexcept { return ours_; }

 private:
  void open(std::size_t stream, stdio const& wanted);
  void open_pipe(std::size_t stream);
  void open_file(std::size_t stream, std::string const& path, int flags);
  void inherit(std::size_t stream);
  void copy(std::size_t stream, int fd);

  // Takes over an end that the child gets, or throws what errno says.
  void give(std::size_t stream, int fd, std::string const& what);
  [[noreturn]] void fail(std::size_t stream, std::string const& what) const;

  std::string const& program_;
  std::array<int, 3> sources_{-1, -1, -1};
  std::array<descriptor, 3> ours_;
  std::vector<descriptor> given_;  // what the sources are
};

}  // namespace weft::inline v0::detail
