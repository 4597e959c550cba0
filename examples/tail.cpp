// tail: the last lines of files, and with -f what is added to them from then on, until it is
// stopped:
//
//   tail -f access.log error.log
//
// It prints what the system's tail prints. The kernel tells when a file has grown (inotify(7)); one
// descriptor tells it of all of them, and is read like any other.
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <weft/weft.hpp>

#include "command_line.hpp"

using namespace std::chrono_literals;

namespace {

constexpr std::size_t block_bytes = 65'536;

// Where the last `lines` lines of the file begin, found from its end on backwards.
weft::task<std::uint64_t> begin_of_last(weft::file const& file, std::uint64_t size,
                                        std::size_t lines) {
  if (lines == 0) co_return size;
  std::vector<std::byte> block(block_bytes);
  std::size_t ends = 0;
  for (std::uint64_t end = size; end > 0;) {
    std::uint64_t const begin = end - std::min<std::uint64_t>(end, block.size());
    auto const wanted = std::span(block).first(static_cast<std::size_t>(end - begin));
    std::size_t got = 0;
    while (got < wanted.size()) {
      std::size_t const count = co_await file.read_at(wanted.subspan(got), begin + got);
      if (count == 0) break;  // it has become shorter
      got += count;
    }
    for (std::size_t at = got; at-- > 0;) {
      // The end of the last line does not begin another.
      bool const is_end = wanted[at] == std::byte{'\n'} && begin + at + 1 != size;
      if (is_end && ++ends == lines) co_return begin + at + 1;
    }
    end = begin;
  }
  co_return 0;
}

struct arguments {
  std::vector<std::string> paths;
  std::size_t lines = 10;
  bool follows = false;
  weft::backend_kind backend = weft::backend_kind::automatic;
};

struct followed {
  weft::file file;
  bool tells_size;
};

class tails {
 public:
  explicit tails(arguments const& given) : given_(given) {}

  // Yields the exit code.
  weft::task<int> run() {
    for (auto const& path : given_.paths) co_await begin(path);
    if (given_.follows) co_await follow();
    co_return has_failed_ ? 1 : 0;
  }

 private:
  weft::task<> begin(std::string const& path) {
    std::uint64_t size = 0;
    try {
      auto opened = co_await weft::file::open(path);
      auto const status = co_await opened.stat();
      if (status.is_directory()) throw std::system_error(EISDIR, std::system_category());
      // Some files, in /proc, tell their size only by being read.
      size = status.size != 0 ? status.size : (co_await weft::fs::read_file(path)).size();
      files_.push_back(std::make_unique<followed>(std::move(opened), size == status.size));
    } catch (std::system_error const& error) {
      has_failed_ = true;
      fmt::print(stderr, "tail: cannot open '{}' for reading: {}\n", path, error.code().message());
      co_return;
    }
    auto& shown = *files_.back();
    co_await show_name(shown);
    shown.file.seek(co_await begin_of_last(shown.file, size, given_.lines));
    co_await show_rest(shown);
  }

  // The files as they are now, whatever becomes of their names. Where the kernel tells nothing, as
  // of files that other machines write, they are looked at once a second.
  weft::task<> follow() {
    if (files_.empty()) throw std::runtime_error("no files remaining");
    auto watcher = weft::descriptor::adopt(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    for (auto const& each : files_)
      ::inotify_add_watch(watcher.get(), fmt::format("/proc/self/fd/{}", each->file.get()).c_str(),
                          IN_MODIFY);
    for (;;) {
      for (auto const& each : files_) co_await show_rest(*each);
      co_await changed(watcher);
    }
  }

  static weft::task<> changed(weft::descriptor& watcher) {
    std::array<std::byte, 4096> events{};  // which file it was, the sizes tell as well
    try {
      if (watcher)
        co_await weft::with_timeout(1s, watcher.read_some(events));
      else
        co_await weft::sleep_for(1s);
    } catch (weft::timed_out const&) {}
  }

  // All from the file's position to its end.
  weft::task<> show_rest(followed& shown) {
    auto& file = shown.file;
    if (shown.tells_size && (co_await file.stat()).size < file.position()) {
      fmt::print(stderr, "tail: {}: file truncated\n", file.path());
      file.seek(0);
    }
    std::vector<std::byte> block(block_bytes);
    while (auto const count = co_await file.read_some(block)) {
      if (shown_last_ != &shown) co_await show_name(shown);
      co_await weft::write_all(out_, std::span(block).first(count));
    }
  }

  // With several files, that of the one whose lines follow.
  weft::task<> show_name(followed const& shown) {
    if (given_.paths.size() < 2) co_return;
    auto const header =
        fmt::format("{}==> {} <==\n", shown_last_ == nullptr ? "" : "\n", shown.file.path());
    shown_last_ = &shown;
    co_await weft::write_all(out_, std::as_bytes(std::span(header)));
  }

  arguments const& given_;
  std::vector<std::unique_ptr<followed>> files_;
  followed const* shown_last_ = nullptr;
  weft::terminal::output out_;
  bool has_failed_ = false;
};

weft::task<int> tail(arguments const& given) {
  try {
    tails all(given);
    auto const code = co_await weft::until_stop(all.run());
    co_return code.value_or(0);
  } catch (std::exception const& error) {
    fmt::print(stderr, "tail: {}\n", error.what());
    co_return 1;
  }
}

}  // namespace

int main(int count, char** values) {
  arguments given;
  command_line line("Prints the last lines of files.", "tail");
  line.add_argument("FILE", given.paths, "files");
  line.add_option("-n,--lines", given.lines, "how many lines (10)");
  line.add_flag("-f,--follow", given.follows, "go on with what is added, until stopped");
  line.add_backend_option(given.backend);
  if (auto const code = line.parse(count, values)) return *code;
  return weft::run_main(tail(given), {.backend = given.backend});
}
