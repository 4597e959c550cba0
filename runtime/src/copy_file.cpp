// Copying a file: in steps, each of them one call of the blocking pool, so that a small file costs
// one way there and back, and a large one can be called off in its midst.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>

#include "exec_image.hpp"
#include "temp_name.hpp"
#include "weft/blocking.hpp"
#include "weft/error.hpp"
#include "weft/fs.hpp"

namespace weft::inline v0 {

namespace {

// A way of copying that was refused between two devices, which need not be tried for each file.
class refused_way {
 public:
  [[nodiscard]] bool is_refused(dev_t from, dev_t to) const noexcept {
    return last_.load(std::memory_order_relaxed) == pair_of(from, to);
  }
  void refuse(dev_t from, dev_t to) noexcept {
    last_.store(pair_of(from, to), std::memory_order_relaxed);
  }

 private:
  static std::uint64_t pair_of(dev_t from, dev_t to) noexcept {
    return std::uint64_t{from} << 32 ^ std::uint64_t{to};
  }

  std::atomic<std::uint64_t> last_{0};
};

constinit refused_way clone_refused;
constinit refused_way range_refused;

bool is_refusal(int error) noexcept {
  return error == EXDEV || error == EOPNOTSUPP || error == ENOTTY || error == ENOSYS;
}

class file_copy {
 public:
  file_copy(std::string from, std::string to, bool keeps_times, bool keeps_owner)
      : from_(std::move(from)),
        to_(std::move(to)),
        keeps_times_(keeps_times),
        keeps_owner_(keeps_owner),
        number_(detail::random_number()) {}
  file_copy(file_copy const&) = delete;
  file_copy& operator=(file_copy const&) = delete;
  ~file_copy() {
    for (int const fd : {source_, target_})
      if (fd >= 0) ::close(fd);
  }

  // Does the next step; true when it was the last. On a thread of the pool, as is abandon().
  bool go_on() {
    if (source_ < 0) open();
    copy_some(step_bytes);
    if (size_is_unknown_ ? !ended_ : done_ < size_) return false;
    finish();
    return true;
  }

  void abandon() noexcept {
    if (!temp_.empty()) ::unlink(temp_.c_str());
  }

  [[nodiscard]] bool has_name_left() const noexcept { return !temp_.empty(); }
  [[nodiscard]] std::uint64_t done() const noexcept { return done_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

 private:
  static constexpr std::uint64_t step_bytes = 16 << 20;

  [[noreturn]] void fail(int error) const {
    detail::throw_system_error(error, fmt::format("copy {} to {}", from_, to_));
  }
  void check(std::int64_t result) const {
    if (result < 0) fail(errno);
  }

  void open() {
    // O_NONBLOCK: the opening of a FIFO would wait for its other end.
    source_ = ::open(from_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    check(source_);
    check(::fstat(source_, &status_));
    if (S_ISDIR(status_.st_mode)) fail(EISDIR);
    if (!S_ISREG(status_.st_mode))
      throw std::invalid_argument(
          fmt::format("weft: copy {} to {}: it is no regular file", from_, to_));
    size_ = static_cast<std::uint64_t>(status_.st_size);
    constexpr std::uint64_t block_bytes = 512;
    has_holes_ = static_cast<std::uint64_t>(status_.st_blocks) * block_bytes < size_;
    open_target();
    if (size_ == 0 || clone_refused.is_refused(status_.st_dev, made_.st_dev)) return;
    if (::ioctl(target_, FICLONE, source_) == 0)
      done_ = size_;
    else if (is_refusal(errno))
      clone_refused.refuse(status_.st_dev, made_.st_dev);
  }

  void open_target() {
    // Before it is given to others, nobody else is to open it.
    mode_t const mode = keeps_owner_ ? 0600 : status_.st_mode & 0777;
    for (int left = 100;; --left) {
      auto name = detail::temp_name_beside(to_, number_++);
      target_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
      if (target_ < 0 && errno == EEXIST && left > 0) continue;
      check(target_);
      temp_ = std::move(name);
      return check(::fstat(target_, &made_));
    }
  }

  void copy_some(std::uint64_t most) {
    if (size_ == 0 || size_is_unknown_) return copy_unknown_size(most);
    std::uint64_t const end = std::min(size_, done_ + most);
    while (done_ < end) {
      std::uint64_t const data_end = has_holes_ ? skip_hole() : size_;
      if (done_ >= end) return;
      std::uint64_t const count = copy_data(std::min(end, data_end) - done_);
      if (count == 0) size_ = done_;  // it has become shorter
      if (count == 0) return;
      done_ += count;
    }
  }

  // Some files, in /proc, tell their size only by being read.
  void copy_unknown_size(std::uint64_t most) {
    size_is_unknown_ = true;
    std::uint64_t const end = done_ + most;
    while (!ended_ && done_ < end) {
      std::uint64_t const count = read_and_write(end - done_);
      size_ = done_ += count;
      ended_ = count == 0;
    }
  }

  // Goes to where data begins, and yields where they end.
  std::uint64_t skip_hole() {
    auto const data = ::lseek(source_, static_cast<off_t>(done_), SEEK_DATA);
    if (data < 0 && errno == ENXIO) return done_ = size_;  // a hole to the end
    check(data);
    done_ = std::min(size_, static_cast<std::uint64_t>(data));
    auto const hole = ::lseek(source_, data, SEEK_HOLE);
    check(hole);
    return static_cast<std::uint64_t>(hole);
  }

  std::uint64_t copy_data(std::uint64_t most) {
    if (!kernel_refuses_ && !range_refused.is_refused(status_.st_dev, made_.st_dev)) {
      auto in = static_cast<off_t>(done_);
      auto out = in;
      auto const count = ::copy_file_range(source_, &in, target_, &out, most, 0);
      if (count > 0) return static_cast<std::uint64_t>(count);
      // Nothing at all also comes from file systems whose files have no pages behind them.
      if (count < 0 && errno != EXDEV && errno != EINVAL && errno != ENOSYS &&
          errno != EOPNOTSUPP && errno != EBADF)
        fail(errno);
      if (count < 0 && is_refusal(errno)) range_refused.refuse(status_.st_dev, made_.st_dev);
      kernel_refuses_ = true;
    }
    return read_and_write(most);
  }

  std::uint64_t read_and_write(std::uint64_t most) {
    if (!buffer_) {
      buffer_bytes_ = std::clamp<std::uint64_t>(size_, 16'384, 262'144);
      buffer_ = std::make_unique_for_overwrite<std::byte[]>(buffer_bytes_);
    }
    auto const count = ::pread(source_, buffer_.get(), std::min<std::uint64_t>(most, buffer_bytes_),
                               static_cast<off_t>(done_));
    check(count);
    for (ssize_t written = 0; written < count;) {
      auto const more =
          ::pwrite(target_, buffer_.get() + written, static_cast<std::size_t>(count - written),
                   static_cast<off_t>(done_) + written);
      check(more);
      written += more;
    }
    return static_cast<std::uint64_t>(count);
  }

  void finish() {
    if (has_holes_) check(::ftruncate(target_, static_cast<off_t>(size_)));
    // The owner first: a change of it takes away what lets others run the file as him.
    bool const is_theirs = made_.st_uid == status_.st_uid && made_.st_gid == status_.st_gid;
    bool const changes_owner = keeps_owner_ && !is_theirs;
    if (changes_owner) check(::fchown(target_, status_.st_uid, status_.st_gid));
    // To be run as the owner is a permission that only the owner gives.
    mode_t const mode = status_.st_mode & (is_theirs || keeps_owner_ ? 07777 : 01777);
    if (changes_owner || (made_.st_mode & 07777) != mode) check(::fchmod(target_, mode));
    std::array<timespec, 2> const times{status_.st_atim, status_.st_mtim};
    if (keeps_times_) check(::futimens(target_, times.data()));
    int const closing = std::exchange(target_, -1);
    check(::close(closing));  // some file systems tell here what became of earlier writes
    check(::rename(temp_.c_str(), to_.c_str()));
    temp_.clear();
  }

  std::string from_;
  std::string to_;
  bool keeps_times_;
  bool keeps_owner_;
  std::uint64_t number_;
  std::string temp_;  // while the copy has no other name
  int source_ = -1;
  int target_ = -1;
  struct stat status_{};
  struct stat made_{};  // the target, when it was opened
  std::uint64_t size_ = 0;
  std::uint64_t done_ = 0;
  bool has_holes_ = false;
  bool kernel_refuses_ = false;
  bool size_is_unknown_ = false;
  bool ended_ = false;
  std::unique_ptr<std::byte[]> buffer_;  // no larger than the file: large ones are mapped anew
  std::size_t buffer_bytes_ = 0;
};

task<> copy_all(file_copy& copy, fs::copy_options const& options) {
  for (bool ended = false; !ended;) {
    ended = co_await blocking([&] { return copy.go_on(); });
    if (options.progress) options.progress(copy.done(), copy.size());
  }
}

}  // namespace

task<> fs::copy_file(std::string from, std::string to, copy_options options) {
  detail::require_no_nul(from, "the name of a file");
  detail::require_no_nul(to, "the name of a file");
  file_copy copy(std::move(from), std::move(to), options.keeps_times, options.keeps_owner);
  co_await finally([&] { return copy_all(copy, options); },
                   [&]() -> task<> {
                     if (copy.has_name_left()) co_await blocking([&] { copy.abandon(); });
                   });
}

}  // namespace weft::inline v0
