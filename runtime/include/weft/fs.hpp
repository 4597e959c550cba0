// Files by name: what can be done with one without opening it, and with one as a whole. Names are
// bytes in no particular encoding. On io_uring a call is an entry in the ring where the kernel has
// one for it; everything else is done by the loop's blocking pool.
//
// Every task resumes on its loop, and throws std::system_error with the call and the name ("mkdir
// a/b: No such file or directory"), std::invalid_argument for a name with a NUL byte, or cancelled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "weft/detail/compiler.hpp"
#include "weft/file_status.hpp"
#include "weft/finally.hpp"
#include "weft/task.hpp"

namespace weft::inline v0 {

namespace fs {

// What the file at `path` is, or what a symbolic link leads to. See statx(2).
WEFT_API task<file_status> stat(std::string path);

// The same, of a symbolic link itself.
WEFT_API task<file_status> link_stat(std::string path);

// What a symbolic link says. See readlink(2).
WEFT_API task<std::string> read_link(std::string path);

// Makes a directory, with `permissions` less the umask. See mkdir(2).
WEFT_API task<> mkdir(std::string path, unsigned permissions = 0777);

// Removes a file, a symbolic link or an empty directory. See unlink(2), rmdir(2).
WEFT_API task<> remove(std::string path);

// Removes a directory and all that is below it; or whatever else is there, or nothing. Yields how
// many files and directories it removed. Once it has begun, no cancellation ends it. See
// std::filesystem::remove_all.
WEFT_API task<std::uint64_t> remove_all(std::string path);

// Gives a file another name, in the place of what had it before. See rename(2).
WEFT_API task<> rename(std::string from, std::string to);

// Gives a file one more name. See link(2).
WEFT_API task<> link(std::string target, std::string path);

// Makes a symbolic link that says `target`. See symlink(2).
WEFT_API task<> symlink(std::string target, std::string path);

// Sets the low twelve bits of the mode. See chmod(2).
WEFT_API task<> set_permissions(std::string path, unsigned permissions);

// Gives the file, or the symbolic link itself, to a user and a group; only root may. See lchown(2).
WEFT_API task<> set_owner(std::string path, std::uint32_t user, std::uint32_t group);

// Sets when the file, or the symbolic link itself, was read and written last. See utimensat(2).
WEFT_API task<> set_times(std::string path, file_time accessed, file_time modified);

// Makes the permissions and the times of the file, or of the symbolic link itself (which has no
// permissions), those of `status`, and with `sets_owner` its user and group. What was done before
// an error stays.
WEFT_API task<> set_status(std::string path, file_status const& status, bool sets_owner = false);

// --- whole files

// All that is in a file, to its end. Throws std::length_error when that is more
// than `limit_bytes`.
WEFT_API task<std::string> read_file(std::string path, std::size_t limit_bytes = SIZE_MAX);

struct write_options {
  unsigned permissions = 0666;  // of a new file, less the umask; one that was there keeps its
                                // own, but for 04000 and 02000, as after any write
  bool durable = true;          // wait until the file and its name are on the device
};

// Makes a file with these bytes, in the place of the one that has the name (or that a symbolic link
// leads to). Whoever opens the name finds the old contents or the new ones, whole: also after a
// cancellation, an error or a crash. Borrows `bytes` until the task ends. The new contents are
// written to a file beside it first (".weft-...", which a crash may leave behind).
WEFT_API task<> write_file(std::string path, std::span<std::byte const> bytes,
                           write_options options = {});
WEFT_API task<> write_file(std::string path, std::string_view text, write_options options = {});

struct copy_options {
  // When it was read and written last. The permissions are always kept, but for those to be run as
  // the owner or the group (04000, 02000) where the copy has another.
  bool keeps_times = false;
  bool keeps_owner = false;  // the user and the group, which only root may give away

  // Called on the loop now and then, with how many bytes of how many are done, at the end of each
  // 16 MiB and of the file.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress = {};
};

// Copies a regular file, as long as it is when this begins, with its permissions. Whoever opens
// `to` finds what was there before or the whole copy, also after a cancellation or an error; a
// symbolic link there is replaced. The file system shares the blocks if it can, or the kernel
// copies them (ioctl_ficlone(2), copy_file_range(2)); otherwise the bytes are read and written.
// Holes stay holes.
WEFT_API task<> copy_file(std::string from, std::string to, copy_options options = {});

}  // namespace fs

namespace detail {

// Makes an empty directory of a new name.
WEFT_API task<std::string> make_temp_dir();

template <class Body>
task<task_function_value<Body, std::string const&>> with_temp_dir(Body body) {
  std::string const path = co_await make_temp_dir();
  co_return co_await weft::finally([&] { return body(path); },
                                   [&]() -> task<> { co_await fs::remove_all(path); });
}

}  // namespace detail

namespace fs {

// Calls `body(path)` with the path of a new, empty directory that only this user can enter, below
// TMPDIR or /tmp, and yields what the task yields that it returns. Then the directory is removed,
// with what is in it.
template <weft::detail::task_function<std::string const&> Body>
auto temp_dir(Body body) {
  return weft::detail::with_temp_dir(std::move(body));
}

}  // namespace fs
}  // namespace weft::inline v0
