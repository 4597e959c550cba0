// Reading directories: each step is one call of the blocking pool, since the kernel's ring has none
// for it.
#include "weft/directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "exec_image.hpp"
#include "statx.hpp"
#include "weft/blocking.hpp"
#include "weft/error.hpp"
#include "weft/fs.hpp"

namespace weft::inline v0::fs {

namespace {

class directory_reader {
 public:
  explicit directory_reader(std::string path) : path_(std::move(path)) {
    weft::detail::require_no_nul(path_, "the name of a directory");
  }
  directory_reader(directory_reader const&) = delete;
  directory_reader& operator=(directory_reader const&) = delete;
  ~directory_reader() { close(); }

  // Reads some entries. On a thread of the pool. A small directory is opened, read and closed in
  // one call.
  void read_some() {
    entries_.clear();
    if (fd_ < 0) fd_ = open_directory();
    constexpr std::size_t wanted = 512;
    while (!ended_ && entries_.size() < wanted) {
      auto const count = ::getdents64(fd_, room_.data(), room_.size());
      if (count < 0) fail();
      ended_ = count == 0;
      take(std::span(room_).first(static_cast<std::size_t>(count)));
    }
    if (ended_) close();
  }

  // Whether what was read was the last.
  [[nodiscard]] bool has_ended() const noexcept { return ended_; }

  [[nodiscard]] std::vector<directory_entry>& entries() noexcept { return entries_; }
  [[nodiscard]] std::string const& path() const noexcept { return path_; }

 private:
  [[noreturn]] void fail() {
    ended_ = true;
    weft::detail::throw_system_error(errno, "list " + path_);
  }

  void close() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  // The kernel takes no path longer than PATH_MAX, so such a one is gone in parts.
  int open_directory() {
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    std::string rest = path_;
    int at = AT_FDCWD;
    int opened = -1;
    do {
      auto const cut = rest.size() < PATH_MAX ? std::string::npos : rest.rfind('/', PATH_MAX - 2);
      bool const is_last = cut == std::string::npos || cut == 0;
      auto const part = is_last ? rest : rest.substr(0, cut);
      opened = ::openat(at, part.c_str(), is_last ? flags : flags | O_PATH);
      if (at != AT_FDCWD) {
        int const error = errno;
        ::close(at);
        errno = error;
      }
      if (opened < 0) fail();
      at = opened;
      rest = is_last ? std::string() : rest.substr(rest.find_first_not_of('/', cut));
    } while (!rest.empty());
    return opened;
  }

  void take(std::span<char const> records) {
    while (!records.empty()) {
      auto const& record = *reinterpret_cast<dirent64 const*>(records.data());
      std::string name = static_cast<char const*>(record.d_name);
      if (name != "." && name != "..")
        entries_.push_back(
            {.name = std::move(name), .type = type_in(record), .inode = record.d_ino});
      records = records.subspan(record.d_reclen);
    }
  }

  // Some file systems do not say.
  [[nodiscard]] file_type type_in(dirent64 const& record) const noexcept {
    if (record.d_type != DT_UNKNOWN) return weft::detail::type_of(DTTOIF(record.d_type));
    struct stat found{};
    if (::fstatat(fd_, record.d_name, &found, AT_SYMLINK_NOFOLLOW) != 0) return file_type::unknown;
    return weft::detail::type_of(found.st_mode);
  }

  std::string path_;
  int fd_ = -1;
  bool ended_ = false;
  std::vector<directory_entry> entries_;
  alignas(dirent64) std::array<char, 32'768> room_;
};

std::string below(std::string const& directory, std::string const& name) {
  return directory.ends_with('/') ? directory + name : directory + '/' + name;
}

// The directories that a walk has been in, where that matters.
class entered_directories {
 public:
  explicit entered_directories(bool follows_symlinks) : follows_(follows_symlinks) {}

  // Whether the walk is to go into it. What has vanished, or leads nowhere, is no directory.
  task<bool> is_to_be_entered(std::string path, file_type type) {
    if (!follows_) co_return type == file_type::directory;
    if (type != file_type::directory && type != file_type::symlink) co_return false;
    try {
      auto const status = co_await stat(std::move(path));
      co_return status.is_directory() && entered_.emplace(status.device, status.inode).second;
    } catch (std::system_error const&) {
      co_return type == file_type::directory;  // reading it will say why not
    }
  }

 private:
  bool follows_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> entered_;
};

}  // namespace

generator<directory_entry> list(std::string path) {
  auto const reader = std::make_unique<directory_reader>(std::move(path));
  while (!reader->has_ended()) {
    co_await blocking([&] { reader->read_some(); });
    for (auto& entry : reader->entries()) co_yield std::move(entry);
  }
}

generator<walk_entry> walk(std::string path, walk_options options) {
  entered_directories entered(options.follows_symlinks);
  co_await entered.is_to_be_entered(path, file_type::directory);
  std::vector<std::string> pending{std::move(path)};
  while (!pending.empty()) {
    auto const reader = std::make_unique<directory_reader>(std::move(pending.back()));
    pending.pop_back();
    std::size_t const first = pending.size();
    while (!reader->has_ended()) {
      try {
        co_await blocking([&] { reader->read_some(); });
      } catch (std::system_error const& error) {
        if (!options.on_error) throw;
        options.on_error(error);
      }
      for (auto& entry : reader->entries()) {
        auto found = below(reader->path(), entry.name);
        if (co_await entered.is_to_be_entered(found, entry.type)) pending.push_back(found);
        co_yield {std::move(found), entry.type};
      }
    }
    // The first that was found is the next, on top.
    std::reverse(pending.begin() + static_cast<std::ptrdiff_t>(first), pending.end());
  }
}

}  // namespace weft::inline v0::fs
