// Reading and writing a file in one call.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>

#include "call_operation.hpp"
#include "exec_image.hpp"
#include "temp_name.hpp"
#include "transfer.hpp"
#include "weft/file.hpp"
#include "weft/fs.hpp"

namespace weft::inline v0 {

using detail::call;
using detail::no_ring_form;
using detail::result_of;

namespace fs {

namespace {

// What the file's name leads to, so that a symbolic link stays one; the name where nothing is
// there.
task<std::string> without_symlinks(std::string const& path) {
  std::unique_ptr<char, decltype([](char* text) { std::free(text); })> real;
  co_await call("write", path, no_ring_form{}, [&] {
    real.reset(::realpath(path.c_str(), nullptr));
    return real || errno == ENOENT ? 0 : -errno;
  });
  co_return real ? std::string(real.get()) : path;
}

// Opens a new file beside `path`, which errors call it; yields its own name in `temp`.
task<file> open_beside(std::string const& path, unsigned permissions, std::string& temp) {
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  auto number = detail::random_number();
  for (int left = 100;; --left) {
    auto name = detail::temp_name_beside(path, number++);
    descriptor opened;
    co_await call("write", path, no_ring_form{}, [&] {
      opened = descriptor::adopt(::open(name.c_str(), flags, permissions));
      return opened || (errno == EEXIST && left > 0) ? 0 : -errno;
    });
    if (!opened) continue;
    temp = std::move(name);
    co_return file::adopt(std::move(opened), path);
  }
}

// A file that is replaced passes on its permissions.
task<> keep_permissions(file const& to) {
  co_await call("write", to.path(), no_ring_form{}, [&] {
    struct stat replaced{};
    if (::stat(to.path().c_str(), &replaced) != 0) return errno == ENOENT ? 0 : -errno;
    int const fd = to.get();
    return fd < 0 ? -EBADF : result_of(::fchmod(fd, replaced.st_mode & 07777));
  });
}

task<> write_beside(std::string const& path, std::span<std::byte const> bytes,
                    write_options options, std::string& temp) {
  auto to = co_await open_beside(path, options.permissions, temp);
  co_await keep_permissions(to);
  co_await to.write_at(bytes, 0);
  if (options.durable) co_await to.sync();
  co_await to.close();
  co_await rename(temp, path);
  if (!options.durable) co_return;
  std::string const directory(detail::directory_of(path));
  auto const names = co_await file::open(directory.empty() ? "." : directory);
  co_await names.sync();
}

}  // namespace

task<std::string> read_file(std::string path, std::size_t limit_bytes) {
  auto const from = co_await file::open(std::move(path));
  constexpr std::size_t first_bytes = 65'536;
  std::string text;
  std::size_t done = 0;
  for (;;) {
    if (done == text.size()) {
      std::size_t room = first_bytes;
      if (done != 0)  // one more byte than there are, to see the end
        room = std::max<std::size_t>((co_await from.stat()).size + 1, 2 * done);
      text.resize(limit_bytes < room ? limit_bytes + 1 : room);
    }
    auto const rest = std::as_writable_bytes(std::span(text)).subspan(done);
    std::size_t const count = co_await from.read_at(rest, done);
    if (count == 0) break;
    done += count;
    if (done > limit_bytes)
      throw std::length_error(
          fmt::format("weft: read {}: more than {} bytes", from.path(), limit_bytes));
  }
  text.resize(done);
  co_return text;
}

task<> write_file(std::string path, std::span<std::byte const> bytes, write_options options) {
  detail::require_no_nul(path, "the name of a file");
  path = co_await without_symlinks(path);
  std::string temp;
  co_await finally([&] { return write_beside(path, bytes, options, temp); },
                   [&]() -> task<> {
                     if (temp.empty()) co_return;
                     // Once it has its final name there is nothing under this one.
                     co_await call("remove", temp, no_ring_form{}, [&] {
                       return ::unlink(temp.c_str()) == 0 || errno == ENOENT ? 0 : -errno;
                     });
                   });
}

task<> write_file(std::string path, std::string_view text, write_options options) {
  return write_file(std::move(path), std::as_bytes(std::span(text)), options);
}

}  // namespace fs
}  // namespace weft::inline v0
