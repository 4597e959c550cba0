// Files: reads and writes at a place or one after another, and what else can be done with an open
// file. A read takes what is in the page cache at once. Everything that may wait for a device is an
// entry in the ring on io_uring, and elsewhere is done by the loop's blocking pool: no call here
// blocks the loop.
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <sys/uio.h>

#include "weft/descriptor.hpp"
#include "weft/file_status.hpp"
#include "weft/task.hpp"

namespace weft::inline v0 {

// How a file is opened; combined with |. One of the first four must be among them.
enum class open_mode : std::uint16_t {
  read_only = 0x01,
  write_only = 0x02,
  read_write = 0x03,
  append = 0x02 | 0x04,     // every write goes to the end, wherever it was to go
  create = 0x08,            // make it if there is none
  exclusive = 0x08 | 0x10,  // make it, and fail with EEXIST if there is one, or a symbolic link
  truncate = 0x02 | 0x20,   // begin with an empty one
  direct = 0x40,            // past the page cache: buffers, sizes and offsets must be aligned
  temporary = 0x02 | 0x80,  // one without a name, in the directory that the path is
};

constexpr open_mode operator|(open_mode one, open_mode other) noexcept {
  return static_cast<open_mode>(static_cast<unsigned>(one) | static_cast<unsigned>(other));
}

enum class lock_kind : std::uint8_t { shared, exclusive };

class file_lock;

namespace detail {

// What a file and the operations on it share: the last of them closes the descriptor, so no number
// is used again while an operation names it. All of them are on one thread.
struct open_file {
  explicit open_file(std::string of) noexcept : path(std::move(of)) {}

  std::string path;
  int fd = -1;
  std::uint32_t users = 1;
  bool is_direct = false;  // opened with O_DIRECT
  std::uint64_t position = 0;
  io_operation* sequential = nullptr;  // the one that is to move the position
};

class WEFT_API file_reference {
 public:
  file_reference() noexcept = default;
  explicit file_reference(std::string path) : file_(new open_file(std::move(path))) {}
  file_reference(file_reference const& other) noexcept : file_(other.file_) {
    if (file_ != nullptr) ++file_->users;
  }
  file_reference(file_reference&& other) noexcept : file_(std::exchange(other.file_, nullptr)) {}
  file_reference& operator=(file_reference other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  ~file_reference() {
    if (file_ != nullptr && --file_->users == 0) destroy();
  }

  open_file* operator->() const noexcept { return file_; }
  explicit operator bool() const noexcept { return file_ != nullptr; }

 private:
  void destroy() noexcept;

  open_file* file_ = nullptr;
};

// Whether the operation is at the file's position, which it moves on.
enum class placed : bool { at_offset, at_position };

class WEFT_API file_operation : public io_operation {
 public:
  // "read some/path at 4096"
  [[nodiscard]] std::string describe() const override;

 protected:
  file_operation(char const* name, file_reference of);
  file_operation(char const* name, file_reference of, std::uint64_t offset, placed where);
  ~file_operation() = default;

  // For messages.
  [[nodiscard]] std::string_view path() const noexcept;

  // Reads what the kernel has without waiting for a device: a count, or -errno; -EAGAIN where it
  // cannot say.
  [[nodiscard]] int read_cached(iovec const* into, unsigned count) const noexcept;

  // Whether the kernel would take the offset for something else, or not at all.
  [[nodiscard]] bool is_beyond() const noexcept { return offset_ > INT64_MAX; }

  // How many bytes; moves the position that the operation was at.
  std::size_t transferred() const noexcept {
    if (where_ == placed::at_position)
      file_->position = offset_ + static_cast<std::uint64_t>(result_);
    return static_cast<std::size_t>(result_);
  }

  file_reference file_;
  std::uint64_t offset_ = 0;
  placed where_ = placed::at_offset;
};

// The awaiter half of a read: what is in the page cache it takes at once, which costs less than an
// entry in the ring.
template <class Derived>
class cached_read : public awaitable_operation<Derived, std::size_t, file_operation> {
 public:
  using awaitable_operation<Derived, std::size_t, file_operation>::awaitable_operation;

  bool start() noexcept {
    this->result_ = static_cast<Derived const*>(this)->read_from_cache();
    return this->result_ != -EAGAIN || io_operation::start();
  }

 protected:
  ~cached_read() = default;
};

// The several buffers of an operation, in the form that the kernel takes.
struct io_vector {
  static constexpr std::size_t pieces_max = 16;

  template <class Byte>
  explicit io_vector(std::span<std::span<Byte> const> from) noexcept {
    for (auto const piece : from.first(from.size() < pieces_max ? from.size() : pieces_max))
      add(piece);
  }

  std::array<iovec, pieces_max> pieces;
  std::uint32_t count = 0;

 private:
  WEFT_API void add(std::span<std::byte const> piece) noexcept;

  std::size_t bytes_ = 0;
};

}  // namespace detail

// An open file. Any number of operations at offsets may be in flight; of those at the position, one
// at a time: a second one at once is a bug of the caller and throws std::logic_error (a debug build
// aborts). Each resumes on its loop, and throws std::system_error with its name, the path and the
// offset ("read data.bin at 4096: ..."; an operation on a file that is not open: EBADF), or
// cancelled, which for a read or write in flight on a device is seldom: these end by themselves.
//
// A file that is destroyed, or assigned to, while operations are in flight is closed when they have
// ended. Closing then is a system call on the loop's thread, which most file systems do at once;
// close() leaves even that to others. Not for FIFOs, sockets and terminals, which have no offsets:
// those are descriptors.
class WEFT_API file {
 public:
  using enum open_mode;

  class read_operation;
  class write_operation;
  class read_vector_operation;
  class write_vector_operation;
  class close_operation;

  file() noexcept = default;

  // Opens the file at `path`, bytes in no particular encoding, close-on-exec. One that is created
  // gets `permissions`, less the umask. Throws std::system_error, or std::invalid_argument for a
  // path with a NUL byte or a mode that neither reads nor writes. See open(2).
  [[nodiscard]] static task<file> open(std::string path, open_mode how = open_mode::read_only,
                                       unsigned permissions = 0666);

  // Takes over an open descriptor; `path` is what errors call it.
  [[nodiscard]] static file adopt(descriptor opened, std::string path);

  // Reads at most `buffer.size()` bytes at `offset`; yields how many, 0 only at end of file or for
  // an empty buffer. Borrows `buffer` until completion, also after a cancellation. See pread(2).
  [[nodiscard]] read_operation read_at(std::span<std::byte> buffer, std::uint64_t offset) const;

  // The same into several buffers, one after the other; of more than 16, into the first 16.
  [[nodiscard]] read_vector_operation read_at(std::span<std::span<std::byte> const> buffers,
                                              std::uint64_t offset) const;

  // Writes at `offset` and yields how many bytes; fewer than all where the device, a quota or a
  // limit ends. Borrows `bytes` until completion. See pwrite(2).
  [[nodiscard]] write_operation write_some_at(std::span<std::byte const> bytes,
                                              std::uint64_t offset) const;

  // The same of several pieces, as if they were one; of more than 16, the first 16.
  [[nodiscard]] write_vector_operation write_some_at(
      std::span<std::span<std::byte const> const> pieces, std::uint64_t offset) const;

  // Writes all of it at `offset`. Borrows the bytes until the task ends. Throws transfer_error, or
  // cancelled; bytes_done() says how many bytes from the front were written.
  [[nodiscard]] task<> write_at(std::span<std::byte const> bytes, std::uint64_t offset) const;

  // As read_at and write_some_at, at the position, which they move on. So a file is a stream: what
  // is in weft/stream.hpp works on it. A write to a file that was opened to append goes to the end,
  // and moves the position all the same.
  [[nodiscard]] read_operation read_some(std::span<std::byte> buffer);
  [[nodiscard]] write_operation write_some(std::span<std::byte const> bytes);

  // Bytes from the beginning of the file. An operation at the position sets it when it ends.
  [[nodiscard]] std::uint64_t position() const noexcept { return file_ ? file_->position : 0; }
  void seek(std::uint64_t position) noexcept {
    if (file_) file_->position = position;
  }

  // Waits until all that was written is on the device; data_sync leaves out what is not needed to
  // read it again, such as times. See fsync(2).
  [[nodiscard]] task<> sync() const;
  [[nodiscard]] task<> data_sync() const;

  // Makes it `size` bytes long: cuts it, or adds zeros. See ftruncate(2).
  [[nodiscard]] task<> resize(std::uint64_t size) const;

  // Makes sure that there is room for `size` bytes at `offset`, and that the file is at least that
  // long. See fallocate(2).
  [[nodiscard]] task<> allocate(std::uint64_t offset, std::uint64_t size) const;

  [[nodiscard]] task<file_status> stat() const;

  // Waits until no other open file has a lock that excludes this one, which it then holds as long
  // as the file_lock. Advisory, on the file as a whole, and of this open file: another one of the
  // same program is excluded too, and a second lock of this one takes the place of the first. The
  // kernel has no way to wait for such a lock and to be called off, so this looks again after 1 ms,
  // and more and more seldom, at last every 16 ms. Cancelled, it has no lock. See fcntl(2),
  // F_OFD_SETLK.
  [[nodiscard]] task<file_lock> lock(lock_kind kind = lock_kind::exclusive) const;

  // Closes it, waiting where the file system does. No cancellation keeps it from that, and it
  // throws none. Throws std::system_error with what the file system says of earlier writes; closed
  // it is all the same. With operations or locks on it, the call throws std::logic_error and does
  // nothing. See close(2).
  [[nodiscard]] close_operation close();

  [[nodiscard]] int get() const noexcept { return file_ ? file_->fd : -1; }
  explicit operator bool() const noexcept { return get() >= 0; }

  // As it was opened.
  [[nodiscard]] std::string const& path() const noexcept;

 private:
  explicit file(detail::file_reference opened) noexcept : file_(std::move(opened)) {}

  detail::file_reference file_;
};

class WEFT_API file::read_operation final : public detail::cached_read<read_operation> {
 public:
  read_operation(detail::file_reference of, std::span<std::byte> buffer, std::uint64_t offset,
                 detail::placed where);
  bool prepare(io_uring_sqe& entry) const noexcept override;
  int perform() noexcept override;
  [[nodiscard]] int read_from_cache() const noexcept;
  std::size_t value() const noexcept {
    count_read(static_cast<std::size_t>(result_));
    return transferred();
  }

 private:
  std::span<std::byte> buffer_;
};

class WEFT_API file::write_operation final
    : public detail::awaitable_operation<write_operation, std::size_t, detail::file_operation> {
 public:
  write_operation(detail::file_reference of, std::span<std::byte const> bytes, std::uint64_t offset,
                  detail::placed where);
  bool prepare(io_uring_sqe& entry) const noexcept override;
  int perform() noexcept override;
  std::size_t value() const noexcept {
    count_written(static_cast<std::size_t>(result_));
    return transferred();
  }

 private:
  std::span<std::byte const> bytes_;
};

class WEFT_API file::read_vector_operation final
    : public detail::cached_read<read_vector_operation> {
 public:
  read_vector_operation(detail::file_reference of, std::span<std::span<std::byte> const> buffers,
                        std::uint64_t offset);
  bool prepare(io_uring_sqe& entry) const noexcept override;
  int perform() noexcept override;
  [[nodiscard]] int read_from_cache() const noexcept;
  std::size_t value() const noexcept {
    count_read(static_cast<std::size_t>(result_));
    return transferred();
  }

 private:
  detail::io_vector buffers_;
};

class WEFT_API file::write_vector_operation final
    : public detail::awaitable_operation<write_vector_operation, std::size_t,
                                         detail::file_operation> {
 public:
  write_vector_operation(detail::file_reference of,
                         std::span<std::span<std::byte const> const> pieces, std::uint64_t offset);
  bool prepare(io_uring_sqe& entry) const noexcept override;
  int perform() noexcept override;
  std::size_t value() const noexcept {
    count_written(static_cast<std::size_t>(result_));
    return transferred();
  }

 private:
  detail::io_vector pieces_;
};

class WEFT_API file::close_operation final
    : public detail::awaitable_operation<close_operation, void, detail::file_operation> {
 public:
  static constexpr bool checkpoint = false;

  explicit close_operation(detail::file_reference of);
  bool prepare(io_uring_sqe& entry) const noexcept override;
  int perform() noexcept override;
  void value() const noexcept {}
  [[nodiscard]] std::string describe() const override;

  void await_resume();
};

// A lock that is held. Keeps the file open. Dropped, it lets go.
class WEFT_API file_lock {
 public:
  file_lock(file_lock&&) noexcept = default;
  file_lock& operator=(file_lock&&) = delete;
  ~file_lock();

 private:
  friend file;
  explicit file_lock(detail::file_reference of) noexcept : file_(std::move(of)) {}

  detail::file_reference file_;
};

}  // namespace weft::inline v0
