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

#include "exec_image.hpp"
#include "temp_name.hpp"
#include "weft/blocking.hpp"
#include "weft/error.hpp"
#include "weft/file.hpp"
#include "weft/fs.hpp"

namespace weft::inline v0 {

namespace fs {

namespace {

// A file that is to take the place of another when it is whole. Its members are called on a thread
// of the pool, and throw std::system_error.
class replacement {
 public:
  replacement(std::string path, unsigned permissions)
      : path_(std::move(path)), permissions_(permissions), number_(detail::random_number()) {}

  // Opens it, beside what the name leads to, so that a symbolic link stays one. It gets the
  // permissions of what it replaces, but for those to be run as the owner, which a write takes
  // away.
  descriptor open() {
    std::unique_ptr<char, decltype([](char* text) { std::free(text); })> const real(
        ::realpath(path_.c_str(), nullptr));
    check(real || errno == ENOENT);
    if (real) path_ = real.get();
    auto opened = open_beside();
    struct stat replaced{};
    if (::stat(path_.c_str(), &replaced) == 0)
      check(::fchmod(opened.get(), replaced.st_mode & 01777) == 0);
    else
      check(errno == ENOENT);
    return opened;
  }

  // Gives it its name, and if that is to outlast a crash, waits until it does.
  void put_in_place(bool is_durable) {
    check(::rename(temp_.c_str(), path_.c_str()) == 0);
    temp_.clear();
    if (!is_durable) return;
    std::string const directory(detail::directory_of(path_));
    auto const names = descriptor::adopt(
        ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    check(names && ::fsync(names.get()) == 0);
  }

  void abandon() noexcept { ::unlink(temp_.c_str()); }

  [[nodiscard]] bool has_name_left() const noexcept { return !temp_.empty(); }
  [[nodiscard]] std::string const& path() const noexcept { return path_; }

 private:
  descriptor open_beside() {
    constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    for (int left = 100;; --left) {
      auto name = detail::temp_name_beside(path_, number_++);
      auto opened = descriptor::adopt(::open(name.c_str(), flags, permissions_));
      if (!opened && errno == EEXIST && left > 0) continue;
      check(static_cast<bool>(opened));
      temp_ = std::move(name);
      return opened;
    }
  }

  void check(bool holds) const {
    if (!holds) detail::throw_system_error(errno, "write " + path_);
  }

  std::string path_;
  unsigned permissions_;
  std::uint64_t number_;
  std::string temp_;  // while it has no other name
};

task<> write_and_put(replacement& made, std::span<std::byte const> bytes, bool is_durable) {
  auto opened = co_await blocking([&] { return made.open(); });
  auto to = file::adopt(std::move(opened), made.path());
  co_await to.write_at(bytes, 0);
  if (is_durable) co_await to.sync();
  co_await to.close();
  co_await blocking([&] { made.put_in_place(is_durable); });
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
  replacement made(std::move(path), options.permissions);
  co_await finally([&] { return write_and_put(made, bytes, options.durable); },
                   [&]() -> task<> {
                     if (made.has_name_left()) co_await blocking([&] { made.abandon(); });
                   });
}

task<> write_file(std::string path, std::string_view text, write_options options) {
  return write_file(std::move(path), std::as_bytes(std::span(text)), options);
}

}  // namespace fs
}  // namespace weft::inline v0
