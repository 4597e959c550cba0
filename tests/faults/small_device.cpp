// A device with room for 64 KiB: what does not fit is an error that says how far it came, and a
// file that was to be replaced stays what it was. On a file system in memory, in a mount namespace
// of its own. Skipped where such are not to be had. Usage: small_device uring|epoll
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "require.hpp"
#include "weft/error.hpp"
#include "weft/file.hpp"
#include "weft/fs.hpp"
#include "weft/run.hpp"
#include "weft/stream.hpp"

using weft::file;

namespace {

constexpr int skipped = 77;  // to Meson
constexpr std::size_t room = 65'536;

bool is_full(std::system_error const& error) {
  return error.code() == std::errc::no_space_on_device;
}

weft::task<> fill(std::string const in) {
  std::string const path = in + "/data";
  std::string const large(2 * room, 'x');
  auto const bytes = std::as_bytes(std::span(large));
  std::size_t done = 0;
  {
    auto to = co_await file::open(path, file::write_only | file::create);
    try {
      co_await to.write_at(bytes, 0);
    } catch (weft::transfer_error const& error) {
      require(is_full(error), error.what());
      require_says(error.what(), "write " + path + " at ");
      done = error.bytes_done();
    }
    require(done == room, fmt::format("{} bytes were written", done));
    require((co_await to.stat()).size == room, "the file is of another size");

    to.seek(0);
    co_await to.resize(0);
    done = 0;
    try {
      co_await weft::write_all(to, bytes);
    } catch (weft::transfer_error const& error) {
      done = error.bytes_done();
    }
    require(done == room, fmt::format("{} bytes were written in sequence", done));
    bool was_refused = false;
    try {
      co_await to.allocate(0, 2 * room);
    } catch (std::system_error const& error) {
      was_refused = is_full(error);
    }
    require(was_refused, "there was room for more");
    co_await to.resize(0);
  }

  co_await weft::fs::write_file(path, "old");
  for (int way = 0; way < 2; ++way) {
    bool was_refused = false;
    try {
      if (way == 0)
        co_await weft::fs::write_file(path, bytes);
      else
        co_await weft::fs::copy_file("/proc/self/exe", path);
    } catch (std::system_error const& error) {
      was_refused = is_full(error);
      require_says(error.what(), path);
    }
    require(was_refused, "what does not fit was written");
    require(co_await weft::fs::read_file(path) == "old", "the old contents are gone");
    auto const entries = std::filesystem::directory_iterator(in);
    require(std::distance(begin(entries), end(entries)) == 1, "a part of the new file is left");
  }
}

}  // namespace

int main(int, char** argv) try {
  ::setenv("WEFT_BACKEND", argv[1], 1);
  if (::unshare(CLONE_NEWNS) != 0) return skipped;  // not root
  std::string directory = "/tmp/weft-test-XXXXXX";
  require(::mkdtemp(directory.data()) != nullptr, "mkdtemp");
  bool const mounted = ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                       ::mount("none", directory.c_str(), "tmpfs", 0, "size=64k") == 0;
  int result = skipped;
  if (mounted) {
    weft::run(fill(directory));
    ::umount(directory.c_str());
    result = 0;
  }
  ::rmdir(directory.c_str());
  return result;
} catch (std::exception const& error) {
  fmt::print(stderr, "{}\n", error.what());
  return 1;
}
