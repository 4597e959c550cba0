// The operations on files: the ring form and the plain form of each, side by side.
#include "weft/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <stdexcept>

#include <fmt/format.h>

#include "call_operation.hpp"
#include "exec_image.hpp"
#include "statx.hpp"
#include "transfer.hpp"
#include "weft/error.hpp"
#include "weft/stream.hpp"
#include "weft/time.hpp"

namespace weft::inline v0 {

using namespace std::chrono_literals;
using detail::file_reference;
using detail::length_of;
using detail::placed;
using detail::result_of;

namespace detail {

void file_reference::destroy() noexcept {
  if (file_->fd >= 0) ::close(file_->fd);
  delete file_;
}

file_operation::file_operation(char const* name, file_reference of)
    : io_operation(name, of ? of->fd : -1, interest::none), file_(std::move(of)) {}

file_operation::file_operation(char const* name, file_reference of, std::uint64_t offset,
                               placed where)
    : file_operation(name, std::move(of)) {
  offset_ = offset;
  if (!file_ || where == placed::at_offset) return;
  where_ = where;
  claim(file_->sequential);
}

std::string file_operation::describe() const {
  return fmt::format("{} {} at {}", name(), path(), offset_);
}

std::string_view file_operation::path() const noexcept {
  return file_ ? std::string_view(file_->path) : "a file that is not open";
}

// Past the page cache, RWF_NOWAIT (Linux 4.14) waits for the device all the same: it only keeps
// from waiting for room in its queue. Some file systems do not know it (EOPNOTSUPP).
int file_operation::read_cached(iovec const* into, unsigned count) const noexcept {
  if (is_beyond()) return -EINVAL;
  if (file_ && file_->is_direct) return -EAGAIN;
  int const result = result_of(
      ::preadv2(fd, into, static_cast<int>(count), static_cast<off_t>(offset_), RWF_NOWAIT));
  return result == -EOPNOTSUPP || result == -EINTR ? -EAGAIN : result;
}

void io_vector::add(std::span<std::byte const> piece) noexcept {
  std::size_t const length = std::min(piece.size(), length_of(SIZE_MAX) - bytes_);
  // The kernel does not write through the pointers of a write.
  pieces[count++] = {const_cast<std::byte*>(piece.data()), length};
  bytes_ += length;
}

}  // namespace detail

namespace {

bool has(open_mode mode, open_mode bits) noexcept {
  return (static_cast<unsigned>(mode) & static_cast<unsigned>(bits)) == static_cast<unsigned>(bits);
}

int flags_of(open_mode how, std::string const& path) {
  using enum open_mode;
  int flags = O_CLOEXEC | O_NOCTTY;
  if (has(how, read_write))
    flags |= O_RDWR;
  else if (has(how, write_only))
    flags |= O_WRONLY;
  else if (!has(how, read_only))
    throw std::invalid_argument(
        fmt::format("weft: open {}: neither to read nor to write; the mode needs one of read_only, "
                    "write_only, read_write and append",
                    path));
  if (has(how, append)) flags |= O_APPEND;
  if (has(how, create)) flags |= O_CREAT;
  if (has(how, exclusive)) flags |= O_EXCL;
  if (has(how, truncate)) flags |= O_TRUNC;
  if (has(how, direct)) flags |= O_DIRECT;
  if (has(how, temporary)) flags |= O_TMPFILE;
  return flags;
}

// A call about an open file, which is held until the call has ended.
template <class Prepare, class Perform>
task<int> call_on(char const* name, file_reference of, Prepare prepare, Perform perform) {
  if (!of) detail::throw_system_error(EBADF, fmt::format("{} a file that is not open", name));
  co_return co_await detail::call(
      name, of->path, [&](io_uring_sqe& entry) { prepare(entry, of->fd); },
      [&] { return result_of(perform(of->fd)); });
}

task<> sync_now(file_reference of, bool only_data) {
  co_await call_on(
      "sync", std::move(of),
      [only_data](io_uring_sqe& entry, int fd) {
        ::io_uring_prep_fsync(&entry, fd, only_data ? IORING_FSYNC_DATASYNC : 0);
      },
      [only_data](int fd) { return only_data ? ::fdatasync(fd) : ::fsync(fd); });
}

task<> set_size(file_reference of, std::uint64_t size) {
  co_await call_on(
      "resize", std::move(of),
      [size](io_uring_sqe& entry, int fd) {
        constexpr int opcode = 55;  // IORING_OP_FTRUNCATE, which liburing 2.3 does not know
        ::io_uring_prep_rw(opcode, &entry, fd, nullptr, 0, size);
      },
      [size](int fd) { return ::ftruncate(fd, static_cast<off_t>(size)); });
}

task<> make_room(file_reference of, std::uint64_t offset, std::uint64_t size) {
  auto const from = static_cast<off_t>(offset);
  auto const length = static_cast<off_t>(size);
  co_await call_on(
      "allocate", std::move(of),
      [=](io_uring_sqe& entry, int fd) { ::io_uring_prep_fallocate(&entry, fd, 0, from, length); },
      [=](int fd) { return ::fallocate(fd, 0, from, length); });
}

task<file_status> get_status(file_reference of) {
  struct statx found{};
  co_await call_on(
      "stat", std::move(of),
      [&](io_uring_sqe& entry, int fd) {
        ::io_uring_prep_statx(&entry, fd, "", AT_EMPTY_PATH, detail::statx_wanted, &found);
      },
      [&](int fd) { return ::statx(fd, "", AT_EMPTY_PATH, detail::statx_wanted, &found); });
  co_return detail::status_of(found);
}

task<> write_all_at(file_reference of, std::span<std::byte const> bytes, std::uint64_t offset) {
  std::size_t done = 0;
  try {
    while (done < bytes.size())
      done += detail::some(co_await file::write_operation(of, bytes.subspan(done), offset + done,
                                                          placed::at_offset));
  } catch (...) {
    detail::rethrow_with(done);
  }
}

int set_lock(int fd, short type) noexcept {
  struct flock wanted{};
  wanted.l_type = type;
  wanted.l_whence = SEEK_SET;
  return result_of(::fcntl(fd, F_OFD_SETLK, &wanted));
}

// Whether the lock was free.
task<bool> try_to_lock(file_reference of, lock_kind kind) {
  if (!of) detail::throw_system_error(EBADF, "lock a file that is not open");
  constexpr int held = 1;
  int const result = co_await detail::call("lock", of->path, detail::no_ring_form{}, [&] {
    int const error = set_lock(of->fd, kind == lock_kind::shared ? F_RDLCK : F_WRLCK);
    return error == -EAGAIN || error == -EACCES ? held : error;
  });
  co_return result != held;
}

}  // namespace

task<file> file::open(std::string path, open_mode how, unsigned permissions) {
  detail::require_no_nul(path, "the name of a file");
  int const flags = flags_of(how, path);
  file_reference opened(std::move(path));
  opened->fd = co_await detail::call(
      "open", opened->path,
      [&](io_uring_sqe& entry) {
        ::io_uring_prep_openat(&entry, AT_FDCWD, opened->path.c_str(), flags, permissions);
      },
      [&] { return result_of(::open(opened->path.c_str(), flags, permissions)); });
  opened->is_direct = (flags & O_DIRECT) != 0;
  co_return file(std::move(opened));
}

file file::adopt(descriptor opened, std::string path) {
  file_reference adopted(std::move(path));
  adopted->fd = opened.release();
  int const flags = ::fcntl(adopted->fd, F_GETFL);
  adopted->is_direct = flags >= 0 && (flags & O_DIRECT) != 0;
  return file(std::move(adopted));
}

std::string const& file::path() const noexcept {
  static std::string const none;
  return file_ ? file_->path : none;
}

// --- reading and writing

file::read_operation::read_operation(file_reference of, std::span<std::byte> buffer,
                                     std::uint64_t offset, placed where)
    : cached_read("read", std::move(of), offset, where), buffer_(buffer) {}

bool file::read_operation::prepare(io_uring_sqe& entry) const noexcept {
  if (is_beyond()) return false;
  ::io_uring_prep_read(&entry, fd, buffer_.data(), length_of(buffer_.size()), offset_);
  return true;
}

int file::read_operation::perform() noexcept {
  return result_of(
      ::pread(fd, buffer_.data(), length_of(buffer_.size()), static_cast<off_t>(offset_)));
}

int file::read_operation::read_from_cache() const noexcept {
  iovec const into{buffer_.data(), length_of(buffer_.size())};
  return read_cached(&into, 1);
}

file::write_operation::write_operation(file_reference of, std::span<std::byte const> bytes,
                                       std::uint64_t offset, placed where)
    : awaitable_operation("write", std::move(of), offset, where), bytes_(bytes) {}

bool file::write_operation::prepare(io_uring_sqe& entry) const noexcept {
  if (is_beyond()) return false;
  ::io_uring_prep_write(&entry, fd, bytes_.data(), length_of(bytes_.size()), offset_);
  return true;
}

int file::write_operation::perform() noexcept {
  return result_of(
      ::pwrite(fd, bytes_.data(), length_of(bytes_.size()), static_cast<off_t>(offset_)));
}

file::read_vector_operation::read_vector_operation(file_reference of,
                                                   std::span<std::span<std::byte> const> buffers,
                                                   std::uint64_t offset)
    : cached_read("read", std::move(of), offset, placed::at_offset), buffers_(buffers) {}

bool file::read_vector_operation::prepare(io_uring_sqe& entry) const noexcept {
  if (is_beyond()) return false;
  ::io_uring_prep_readv(&entry, fd, buffers_.pieces.data(), buffers_.count, offset_);
  return true;
}

int file::read_vector_operation::perform() noexcept {
  return result_of(::preadv(fd, buffers_.pieces.data(), static_cast<int>(buffers_.count),
                            static_cast<off_t>(offset_)));
}

int file::read_vector_operation::read_from_cache() const noexcept {
  return read_cached(buffers_.pieces.data(), buffers_.count);
}

file::write_vector_operation::write_vector_operation(
    file_reference of, std::span<std::span<std::byte const> const> pieces, std::uint64_t offset)
    : awaitable_operation("write", std::move(of), offset, placed::at_offset), pieces_(pieces) {}

bool file::write_vector_operation::prepare(io_uring_sqe& entry) const noexcept {
  if (is_beyond()) return false;
  ::io_uring_prep_writev(&entry, fd, pieces_.pieces.data(), pieces_.count, offset_);
  return true;
}

int file::write_vector_operation::perform() noexcept {
  return result_of(::pwritev(fd, pieces_.pieces.data(), static_cast<int>(pieces_.count),
                             static_cast<off_t>(offset_)));
}

file::read_operation file::read_at(std::span<std::byte> buffer, std::uint64_t offset) const {
  return {file_, buffer, offset, placed::at_offset};
}

file::read_vector_operation file::read_at(std::span<std::span<std::byte> const> buffers,
                                          std::uint64_t offset) const {
  return {file_, buffers, offset};
}

file::write_operation file::write_some_at(std::span<std::byte const> bytes,
                                          std::uint64_t offset) const {
  return {file_, bytes, offset, placed::at_offset};
}

file::write_vector_operation file::write_some_at(std::span<std::span<std::byte const> const> pieces,
                                                 std::uint64_t offset) const {
  return {file_, pieces, offset};
}

task<> file::write_at(std::span<std::byte const> bytes, std::uint64_t offset) const {
  return write_all_at(file_, bytes, offset);
}

file::read_operation file::read_some(std::span<std::byte> buffer) {
  return {file_, buffer, position(), placed::at_position};
}

file::write_operation file::write_some(std::span<std::byte const> bytes) {
  return {file_, bytes, position(), placed::at_position};
}

// --- the file as a whole

task<> file::sync() const { return sync_now(file_, false); }
task<> file::data_sync() const { return sync_now(file_, true); }
task<> file::resize(std::uint64_t size) const { return set_size(file_, size); }
task<file_status> file::stat() const { return get_status(file_); }

task<> file::allocate(std::uint64_t offset, std::uint64_t size) const {
  return make_room(file_, offset, size);
}

task<file_lock> file::lock(lock_kind kind) const {
  file_reference const held = file_;
  constexpr auto longest = 16ms;
  for (auto pause = 1ms; !co_await try_to_lock(held, kind); pause = std::min(2 * pause, longest))
    co_await sleep_for(pause);
  co_return file_lock(held);
}

file_lock::~file_lock() {
  if (file_) set_lock(file_->fd, F_UNLCK);
}

file::close_operation file::close() {
  if (file_ && file_->users > 1)
    throw std::logic_error(fmt::format("weft: close {}: {} operations and locks are still on it",
                                       file_->path, file_->users - 1));
  return close_operation(std::move(file_));
}

file::close_operation::close_operation(file_reference of)
    : awaitable_operation("close", std::move(of)) {}

bool file::close_operation::prepare(io_uring_sqe& entry) const noexcept {
  ::io_uring_prep_close(&entry, fd);
  return true;
}

int file::close_operation::perform() noexcept { return result_of(::close(fd)); }

std::string file::close_operation::describe() const { return fmt::format("close {}", path()); }

// Whatever close(2) says, Linux has closed it; but a cancelled entry has not been carried out.
void file::close_operation::await_resume() {
  if (!file_) detail::throw_system_error(EBADF, describe());
  if (result_ == -ECANCELED) result_ = perform();
  file_->fd = -1;
  if (result_ < 0 && result_ != -EINTR) fail();
}

}  // namespace weft::inline v0
