// Calls on names: the ring form and the plain form of each, side by side.
#include "weft/fs.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "call_operation.hpp"
#include "exec_image.hpp"
#include "statx.hpp"
#include "transfer.hpp"
#include "weft/blocking.hpp"
#include "weft/error.hpp"

namespace weft::inline v0 {

using detail::call;
using detail::require_no_nul;
using detail::result_of;

namespace fs {

namespace {

constexpr auto what = "the name of a file";

task<file_status> get_status(char const* name, std::string path, int flags) {
  require_no_nul(path, what);
  struct statx found{};
  co_await call(
      name, path,
      [&](io_uring_sqe& entry) {
        ::io_uring_prep_statx(&entry, AT_FDCWD, path.c_str(), flags, detail::statx_wanted, &found);
      },
      [&] {
        return result_of(::statx(AT_FDCWD, path.c_str(), flags, detail::statx_wanted, &found));
      });
  co_return detail::status_of(found);
}

int set_times_now(std::string const& path, file_time accessed, file_time modified) noexcept {
  auto const timespec_of = [](file_time time) {
    auto const seconds = std::chrono::floor<std::chrono::seconds>(time);
    return timespec{.tv_sec = seconds.time_since_epoch().count(),
                    .tv_nsec = (time - seconds).count()};
  };
  std::array const times{timespec_of(accessed), timespec_of(modified)};
  return result_of(::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW));
}

// A call that gives `path` something to do with another name, or text.
template <class Prepare, class Perform>
task<> pair_up(char const* name, std::string one, char const* with, std::string other,
               Prepare prepare, Perform perform) {
  require_no_nul(one, what);
  require_no_nul(other, what);
  std::string const both = fmt::format("{} {} {}", one, with, other);
  co_await call(
      name, both, [&](io_uring_sqe& entry) { prepare(entry, one.c_str(), other.c_str()); },
      [&] { return result_of(perform(one.c_str(), other.c_str())); });
}

}  // namespace

task<file_status> stat(std::string path) { return get_status("stat", std::move(path), 0); }

task<file_status> link_stat(std::string path) {
  return get_status("stat", std::move(path), AT_SYMLINK_NOFOLLOW);
}

task<std::string> read_link(std::string path) {
  require_no_nul(path, what);
  std::string target(PATH_MAX, '\0');
  int const size = co_await call("read link", path, detail::no_ring_form{}, [&] {
    return result_of(::readlink(path.c_str(), target.data(), target.size()));
  });
  target.resize(static_cast<std::size_t>(size));
  co_return target;
}

task<> mkdir(std::string path, unsigned permissions) {
  require_no_nul(path, what);
  co_await call(
      "mkdir", path,
      [&](io_uring_sqe& entry) {
        ::io_uring_prep_mkdirat(&entry, AT_FDCWD, path.c_str(), permissions);
      },
      [&] { return result_of(::mkdir(path.c_str(), permissions)); });
}

task<> remove(std::string path) {
  require_no_nul(path, what);
  constexpr int is_directory = 1;
  auto const removed = [&](int flags) {
    return call(
        "remove", path,
        [&path, flags](io_uring_sqe& entry) {
          ::io_uring_prep_unlinkat(&entry, AT_FDCWD, path.c_str(), flags);
        },
        [&path, flags] { return result_of(::unlinkat(AT_FDCWD, path.c_str(), flags)); });
  };
  int result = 0;
  try {
    result = co_await removed(0);
  } catch (std::system_error const& error) {
    if (error.code() != std::errc::is_a_directory) throw;
    result = is_directory;
  }
  if (result == is_directory) co_await removed(AT_REMOVEDIR);
}

task<std::uint64_t> remove_all(std::string path) {
  require_no_nul(path, what);
  co_return co_await blocking([&] {
    std::error_code error;
    auto const count = std::filesystem::remove_all(path, error);
    if (error) weft::detail::throw_system_error(error.value(), "remove all of " + path);
    return std::uint64_t{count};
  });
}

task<> rename(std::string from, std::string to) {
  return pair_up(
      "rename", std::move(from), "to", std::move(to),
      [](io_uring_sqe& entry, char const* one, char const* other) {
        ::io_uring_prep_renameat(&entry, AT_FDCWD, one, AT_FDCWD, other, 0);
      },
      [](char const* one, char const* other) { return ::rename(one, other); });
}

task<> link(std::string target, std::string path) {
  return pair_up(
      "link", std::move(target), "as", std::move(path),
      [](io_uring_sqe& entry, char const* one, char const* other) {
        ::io_uring_prep_linkat(&entry, AT_FDCWD, one, AT_FDCWD, other, 0);
      },
      [](char const* one, char const* other) { return ::link(one, other); });
}

task<> symlink(std::string target, std::string path) {
  return pair_up(
      "symlink to", std::move(target), "as", std::move(path),
      [](io_uring_sqe& entry, char const* one, char const* other) {
        ::io_uring_prep_symlinkat(&entry, one, AT_FDCWD, other);
      },
      [](char const* one, char const* other) { return ::symlink(one, other); });
}

task<> set_permissions(std::string path, unsigned permissions) {
  require_no_nul(path, what);
  co_await call("set the permissions of", path, detail::no_ring_form{},
                [&] { return result_of(::chmod(path.c_str(), permissions)); });
}

task<> set_owner(std::string path, std::uint32_t user, std::uint32_t group) {
  require_no_nul(path, what);
  co_await call("set the owner of", path, detail::no_ring_form{},
                [&] { return result_of(::lchown(path.c_str(), user, group)); });
}

task<> set_times(std::string path, file_time accessed, file_time modified) {
  require_no_nul(path, what);
  co_await call("set the times of", path, detail::no_ring_form{},
                [&] { return set_times_now(path, accessed, modified); });
}

// The owner first: a change of it takes away what lets others run the file as him.
task<> set_status(std::string path, file_status const& status, bool sets_owner) {
  require_no_nul(path, what);
  file_status const wanted = status;
  co_await call("set the status of", path, detail::no_ring_form{}, [&] {
    if (sets_owner && ::lchown(path.c_str(), wanted.user, wanted.group) != 0) return -errno;
    if (!wanted.is_symlink() && ::chmod(path.c_str(), wanted.permissions) != 0) return -errno;
    return set_times_now(path, wanted.accessed, wanted.modified);
  });
}

}  // namespace fs

task<std::string> detail::make_temp_dir() {
  char const* const wanted = std::getenv("TMPDIR");
  std::string path = wanted != nullptr && *wanted != '\0' ? wanted : "/tmp";
  path += "/weft-XXXXXX";
  co_await call("make a directory", path, no_ring_form{},
                [&] { return ::mkdtemp(path.data()) != nullptr ? 0 : -errno; });
  co_return path;
}

}  // namespace weft::inline v0
