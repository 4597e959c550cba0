// Values too large for a message, in a file that is only memory. See memfd_create(2).
#pragma once

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <span>

#include "weft/error.hpp"

namespace weft::inline v0::detail {

// Yields its descriptor, which is the caller's. Throws std::system_error.
inline int make_memory_file(char const* name, std::span<std::byte const> content) {
  int const fd = ::memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) throw_system_error(errno, "memfd_create");
  while (!content.empty()) {
    auto const written = ::write(fd, content.data(), content.size());
    if (written < 0) {
      int const error = errno;
      if (error == EINTR) continue;
      ::close(fd);
      throw_system_error(error, "write of a memfd");
    }
    content = content.subspan(static_cast<std::size_t>(written));
  }
  return fd;
}

struct mapped_file {
  void* at = nullptr;
  std::size_t size = 0;
};

// For reading; the caller unmaps it. Throws std::system_error.
inline mapped_file map_memory_file(int fd) {
  struct stat about{};
  if (::fstat(fd, &about) != 0) throw_system_error(errno, "fstat of a memfd");
  auto const size = static_cast<std::size_t>(about.st_size);
  void* const at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  if (at == MAP_FAILED) throw_system_error(errno, "mmap of a memfd");
  return {.at = at, .size = size};
}

}  // namespace weft::inline v0::detail
