// Files with plain system calls, one at a time: system ROW DEPTH DIRECTORY
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>

#include "support/stopwatch.hpp"
#include "work.hpp"

namespace {

using files::work;

void require(bool holds) {
  if (!holds) std::exit(1);
}

int open(std::string const& path, int flags) {
  int const fd = ::open(path.c_str(), flags, 0666);
  require(fd >= 0);
  return fd;
}

char* aligned(std::size_t size) {
  return static_cast<char*>(std::aligned_alloc(files::page_bytes, size));
}

void read_pages(work const& of, int flags, int how) {
  int const data = open(of.data(), O_RDONLY | flags);
  char* const buffer = aligned(files::page_bytes);
  bench::stopwatch watch;
  files::random_pages pages;
  constexpr int turn = 256;
  while (watch.goes_on(turn))
    for (int i = 0; i < turn; ++i) {
      iovec const into{buffer, files::page_bytes};
      auto const at = static_cast<off_t>(pages.next());
      auto count = ::preadv2(data, &into, 1, at, how);
      if (count < 0 && errno == EAGAIN) count = ::preadv2(data, &into, 1, at, 0);
      require(count == files::page_bytes);
    }
  watch.print();
}

void read_blocks(work const& of) {
  int const data = open(of.data(), O_RDONLY);
  char* const buffer = aligned(files::block_bytes);
  bench::stopwatch watch;
  while (watch.goes_on(files::data_bytes / files::block_bytes)) {
    require(::lseek(data, 0, SEEK_SET) == 0);
    while (::read(data, buffer, files::block_bytes) > 0) continue;
  }
  watch.print();
}

void write_blocks(work const& of) {
  int const large = open(of.large(), O_WRONLY | O_CREAT | O_TRUNC);
  char* const buffer = aligned(files::block_bytes);
  bench::stopwatch watch;
  watch.goes_on(0);
  for (std::uint64_t at = 0; at < files::large_bytes; at += files::block_bytes)
    require(::pwrite(large, buffer, files::block_bytes, static_cast<off_t>(at)) ==
            files::block_bytes);
  watch.goes_on(files::large_bytes / files::block_bytes);
  watch.print();
  ::unlink(of.large().c_str());
}

void use_small_files(work const& of) {
  char* const buffer = aligned(files::page_bytes);
  bench::stopwatch watch;
  while (watch.goes_on(files::small_files))
    for (std::size_t i = 0; i < files::small_files; ++i) {
      auto const path = of.small(i);
      int const to = open(path, O_WRONLY | O_CREAT | O_TRUNC);
      require(::write(to, buffer, files::page_bytes) == files::page_bytes);
      ::close(to);
      int const from = open(path, O_RDONLY);
      require(::read(from, buffer, files::page_bytes) == files::page_bytes);
      require(::read(from, buffer, files::page_bytes) == 0);
      ::close(from);
      ::unlink(path.c_str());
    }
  watch.print();
}

}  // namespace

int main(int argc, char** argv) {
  work const of(argc, argv);
  if (of.row == "cached") read_pages(of, 0, 0);
  if (of.row == "nowait") read_pages(of, 0, RWF_NOWAIT);
  if (of.row == "direct") read_pages(of, O_DIRECT, 0);
  if (of.row == "read") read_blocks(of);
  if (of.row == "write") write_blocks(of);
  if (of.row == "small") use_small_files(of);
}
