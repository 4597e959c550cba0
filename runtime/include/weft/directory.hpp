// Directories: what is in one, and what is in all those below it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <system_error>

#include "weft/file_status.hpp"
#include "weft/generator.hpp"

namespace weft::inline v0::fs {

struct directory_entry {
  std::string name;
  file_type type = file_type::unknown;  // of a symbolic link: symlink
  std::uint64_t inode = 0;
};

// What is in a directory, but for "." and "..", in the order of the file system; read in pieces of
// some hundred entries as they are asked for. What is added or removed meanwhile may be there or
// not. Throws std::system_error ("list some/path: ...") or cancelled; resumes on its loop. See
// readdir(3).
WEFT_API generator<directory_entry> list(std::string path);

struct walk_options {
  // Go into what symbolic links lead to; each directory once, so that a link to where it came from
  // is no loop.
  bool follows_symlinks = false;

  // Called with the error of a directory that cannot be read, which is then left out. Without it,
  // such an error ends the walk.
  std::function<void(std::system_error const&)> on_error = {};
};

struct walk_entry {
  std::string path;  // begins with the path that the walk was given
  file_type type = file_type::unknown;
};

// Everything below a directory, each directory before what is in it, to any depth: at most one
// directory is open at a time, nothing recurses, and paths may be longer than PATH_MAX, which other
// calls then do not take. Throws as list() does.
WEFT_API generator<walk_entry> walk(std::string path, walk_options options = {});

}  // namespace weft::inline v0::fs
