// Files: a real tree, read from the device and hashed.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <weft/weft.hpp>

#include "steps.hpp"

using namespace std::chrono_literals;

namespace tour {

namespace {

constexpr std::size_t files_most = 8'000;
constexpr std::size_t at_a_time = 64;

std::size_t hash_of(std::string const& content) { return std::hash<std::string_view>()(content); }

weft::task<std::vector<std::string>> files_below(std::string directory) {
  std::vector<std::string> paths;
  auto entries = weft::fs::walk(std::move(directory), {.on_error = [](auto const&) {}});
  while (auto const entry = co_await entries.next()) {
    if (entry->type != weft::file_type::regular) continue;
    paths.push_back(entry->path);
    if (paths.size() == files_most) break;
  }
  co_return paths;
}

// Has the kernel forget what it keeps of the files, so that they are read from the device. It does
// not where the file system is in memory.
void forget(std::vector<std::string> const& paths) {
  for (auto const& path : paths) {
    int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    ::close(file);
  }
}

class reading {
 public:
  reading(narrator& out, std::vector<std::string> const& paths) : out_(out), paths_(paths) {}

  // Yields how long it took. The sum of the hashes is the same in whatever order.
  weft::task<std::chrono::nanoseconds> run(std::size_t how_many) {
    co_await weft::blocking([this] { forget(paths_); });
    bytes = 0;
    sum = 0;
    next_ = 0;
    auto const begun = weft::now();
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (std::size_t i = 0; i < how_many; ++i) tasks.spawn(read_some());
      co_return;
    });
    co_return weft::now() - begun;
  }

  std::size_t bytes = 0;
  std::size_t sum = 0;

 private:
  weft::task<> read_some() {
    while (next_ < paths_.size()) {
      auto const& path = paths_[next_++];
      auto const content = co_await weft::as_result(weft::fs::read_file(path));
      if (!content) continue;  // it has gone, or is not ours to read
      bytes += content->size();
      sum += hash_of(*content);
      out_.show_progress(next_, paths_.size());
    }
  }

  narrator& out_;
  std::vector<std::string> const& paths_;
  std::size_t next_ = 0;
};

}  // namespace

weft::task<> read_files(narrator& out) {
  out.begin("Files", fmt::format("Up to {} files below /usr/include are read from the device and "
                                 "hashed: first one after another, then {} at a time.",
                                 number_text(files_most), at_a_time));
  auto paths = co_await files_below("/usr/include");
  if (paths.empty()) paths = co_await files_below("/usr/share");
  reading work(out, paths);
  auto const alone = co_await work.run(1);
  auto const sum = work.sum;
  auto const together = co_await work.run(at_a_time);
  if (work.sum != sum) throw std::runtime_error("the files have changed meanwhile");
  out.measured("files", fmt::format("{}, {}", number_text(static_cast<double>(paths.size())),
                                    bytes_text(work.bytes)));
  out.measured("one after another", duration_text(alone));
  out.measured(fmt::format("{} at a time", at_a_time), duration_text(together));
  auto const gain = static_cast<double>(alone.count()) / static_cast<double>(together.count());
  if (gain > 1.2)
    out.lesson(
        fmt::format("A device works on many requests at once, if it is given many: {:.1f} "
                    "times as fast here. None of them stops the loop.",
                    gain));
  else
    out.lesson(
        "No read stops the loop. Here many at a time were no faster, which they are where a "
        "device has to be waited for.");
}

}  // namespace tour
