// Files with Weft: weft ROW DEPTH DIRECTORY
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include <weft/file.hpp>
#include <weft/fs.hpp>
#include <weft/run.hpp>
#include <weft/scope.hpp>
#include <weft/time.hpp>

#include "support/stopwatch.hpp"
#include "work.hpp"

namespace {

using files::work;
using weft::file;

struct free_memory {
  void operator()(std::byte* memory) const { std::free(memory); }
};

std::unique_ptr<std::byte, free_memory> aligned(std::size_t size) {
  return std::unique_ptr<std::byte, free_memory>(
      static_cast<std::byte*>(std::aligned_alloc(files::page_bytes, size)));
}

weft::task<> read_pages(work of, weft::open_mode how) {
  auto const data = co_await file::open(of.data(), how);
  bench::stopwatch watch;
  files::random_pages pages;
  bool ended = false;
  std::size_t done = 0;
  constexpr std::size_t turn = 256;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    for (std::size_t i = 0; i < of.depth; ++i)
      tasks.spawn([&]() -> weft::task<> {
        auto const memory = aligned(files::page_bytes);
        std::span const buffer(memory.get(), files::page_bytes);
        while (!ended) {
          if (co_await data.read_at(buffer, pages.next()) != files::page_bytes)
            throw std::runtime_error("short");
          if (++done % turn == 0 && !watch.goes_on(turn)) ended = true;
        }
      });
    co_return;
  });
  watch.print();
}

weft::task<> read_blocks(work of) {
  auto data = co_await file::open(of.data());
  auto const memory = aligned(files::block_bytes);
  std::span const buffer(memory.get(), files::block_bytes);
  bench::stopwatch watch;
  while (watch.goes_on(files::data_bytes / files::block_bytes)) {
    data.seek(0);
    while (co_await data.read_some(buffer) != 0) continue;
  }
  watch.print();
}

weft::task<> fill(file& large, std::size_t at_once) {
  std::uint64_t next = 0;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    for (std::size_t i = 0; i < at_once; ++i)
      tasks.spawn([&]() -> weft::task<> {
        auto const memory = aligned(files::block_bytes);
        while (next < files::large_bytes)
          co_await large.write_at(std::span(memory.get(), files::block_bytes),
                                  std::exchange(next, next + files::block_bytes));
      });
    co_return;
  });
}

weft::task<file> open_large(work const& of) {
  return file::open(of.large(), file::write_only | file::create | file::truncate);
}

weft::task<> write_blocks(work of) {
  auto large = co_await open_large(of);
  bench::stopwatch watch;
  watch.goes_on(0);
  co_await fill(large, of.depth);
  watch.goes_on(files::large_bytes / files::block_bytes);
  watch.print();
  co_await weft::fs::remove(of.large());
}

weft::task<> use_small(work const& of, std::size_t number) {
  auto const path = of.small(number);
  auto const memory = std::string(files::page_bytes, 'x');
  {
    auto to = co_await file::open(path, file::write_only | file::create | file::truncate);
    co_await to.write_at(std::as_bytes(std::span(memory)), 0);
    co_await to.close();
  }
  if ((co_await weft::fs::read_file(path)).size() != files::page_bytes)
    throw std::runtime_error("short");
  co_await weft::fs::remove(path);
}

weft::task<> use_small_files(work of) {
  bench::stopwatch watch;
  while (watch.goes_on(files::small_files)) {
    std::size_t next = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (std::size_t i = 0; i < of.depth; ++i)
        tasks.spawn([&]() -> weft::task<> {
          while (next < files::small_files) co_await use_small(of, next++);
        });
      co_return;
    });
  }
  watch.print();
}

weft::task<> write_and_sync(work const& of) {
  auto large = co_await open_large(of);
  co_await fill(large, 1);
  co_await large.sync();
  co_await large.close();
  co_await weft::fs::remove(of.large());
}

// The time between two ticks of a 1 ms ticker while the body runs: that which `depth` percent of
// them do not exceed.
template <class Body>
weft::task<> measure_gaps(work of, Body body) {
  std::vector<std::chrono::nanoseconds> gaps;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    auto ticker = tasks.spawn([&]() -> weft::task<> {
      for (auto last = weft::now();;) {
        co_await weft::sleep_for(std::chrono::milliseconds(1));
        auto const now = weft::now();
        gaps.push_back(now - last);
        last = now;
      }
    });
    co_await body();
    ticker.cancel();
  });
  std::ranges::sort(gaps);
  std::printf("%.1f\n", static_cast<double>(gaps[(gaps.size() - 1) * of.depth / 100].count()));
}

}  // namespace

int main(int argc, char** argv) {
  work const of(argc, argv);
  if (of.row == "cached") weft::run(read_pages(of, file::read_only));
  if (of.row == "direct") weft::run(read_pages(of, file::read_only | file::direct));
  if (of.row == "read") weft::run(read_blocks(of));
  if (of.row == "write") weft::run(write_blocks(of));
  if (of.row == "small") weft::run(use_small_files(of));
  if (of.row == "gap-idle")
    weft::run(measure_gaps(of, [] { return weft::sleep_for(std::chrono::seconds(2)); }));
  if (of.row == "gap-write") weft::run(measure_gaps(of, [&] { return write_and_sync(of); }));
}
