#include "statx.hpp"

#include <sys/sysmacros.h>

namespace weft::inline v0::detail {

namespace {

file_time time_of(statx_timestamp const& time) noexcept {
  return file_time(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace

file_type type_of(unsigned mode) noexcept {
  switch (mode & S_IFMT) {
    case S_IFREG: return file_type::regular;
    case S_IFDIR: return file_type::directory;
    case S_IFLNK: return file_type::symlink;
    case S_IFBLK: return file_type::block_device;
    case S_IFCHR: return file_type::character_device;
    case S_IFIFO: return file_type::fifo;
    case S_IFSOCK: return file_type::socket;
    default: return file_type::unknown;
  }
}

file_status status_of(struct statx const& found) noexcept {
  constexpr unsigned block_bytes = 512;  // whatever the file system's are
  constexpr unsigned permission_bits = 07777;
  return {
      .type = type_of(found.stx_mode),
      .permissions = found.stx_mode & permission_bits,
      .size = found.stx_size,
      .allocated_bytes = found.stx_blocks * block_bytes,
      .device = makedev(found.stx_dev_major, found.stx_dev_minor),
      .inode = found.stx_ino,
      .device_number = makedev(found.stx_rdev_major, found.stx_rdev_minor),
      .links = found.stx_nlink,
      .user = found.stx_uid,
      .group = found.stx_gid,
      .accessed = time_of(found.stx_atime),
      .modified = time_of(found.stx_mtime),
      .changed = time_of(found.stx_ctime),
      .created = time_of(found.stx_btime),
  };
}

}  // namespace weft::inline v0::detail
