// What is known of a file without reading it.
#pragma once

#include <chrono>
#include <cstdint>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0 {

enum class file_type : std::uint8_t {
  unknown,
  regular,
  directory,
  symlink,
  block_device,
  character_device,
  fifo,
  socket,
};

// On the system's clock, to the nanosecond.
using file_time = std::chrono::sys_time<std::chrono::nanoseconds>;

// See statx(2).
struct file_status {
  file_type type = file_type::unknown;
  unsigned permissions = 0;           // the low twelve bits of the mode: 0644
  std::uint64_t size = 0;             // bytes
  std::uint64_t allocated_bytes = 0;  // on the device; less than the size where there are holes
  std::uint64_t device = 0;           // with inode, which file it is
  std::uint64_t inode = 0;
  std::uint64_t device_number = 0;  // of a device file: which device it is
  std::uint32_t links = 0;
  std::uint32_t user = 0;
  std::uint32_t group = 0;
  file_time accessed;
  file_time modified;
  file_time changed;  // the status, or the contents
  file_time created;  // 1970 where the file system does not say

  [[nodiscard]] bool is_regular() const noexcept { return type == file_type::regular; }
  [[nodiscard]] bool is_directory() const noexcept { return type == file_type::directory; }
  [[nodiscard]] bool is_symlink() const noexcept { return type == file_type::symlink; }

  // Whether both are of one file.
  [[nodiscard]] bool is_same_file(file_status const& other) const noexcept {
    return device == other.device && inode == other.inode;
  }
};

}  // namespace weft::inline v0
