// Compares what it takes to read and write files: Weft on both backends, plain system calls,
// io_uring alone, libuv and Python.
//   files [--rounds N] [--only ROW] [--json FILE]
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "support/contest.hpp"
#include "work.hpp"

namespace {

using bench::contest;

// With the file that is read, on the device that this directory is on.
class workplace {
 public:
  workplace() {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp " + path_);
    std::ofstream data(path_ + "/data");
    std::string const block(files::block_bytes, 'x');
    for (std::uint64_t size = 0; size < files::data_bytes; size += block.size()) data << block;
    if (!data.flush()) throw std::runtime_error("cannot write " + path_ + "/data");
  }
  workplace(workplace const&) = delete;
  workplace& operator=(workplace const&) = delete;
  ~workplace() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::string const& path() const noexcept { return path_; }

 private:
  std::string path_ = "files-XXXXXX";
};

std::vector<contest> all_rows(std::string const& directory, std::string const& python_file) {
  auto const here = bench::program_directory();
  auto const command = [&](std::string const& program, std::string const& row, unsigned depth) {
    return fmt::format("{} {} {} {}", program, row, depth, directory);
  };
  auto const weft = [&](char const* backend) {
    return fmt::format("WEFT_BACKEND={} {}/files-weft", backend, here);
  };
  auto const system = here + "/files-system";
  auto const ring = here + "/files-ring";
  auto const libuv = here + "/files-libuv";
  auto const python = "python3 " + python_file;

  std::vector<contest> rows;
  for (unsigned const depth : {1u, 8u, 32u}) {
    contest row{fmt::format("cached-{}", depth),
                fmt::format("4 KiB from the page cache, in no order, {} at a time", depth),
                {{"raw ring", command(ring, "cached", depth)},
                 {"weft io_uring", command(weft("uring"), "cached", depth)},
                 {"weft epoll", command(weft("epoll"), "cached", depth)},
                 {"preadv2 NOWAIT", command(system, "nowait", 1)},
                 {"pread", command(system, "cached", 1)},
                 {"libuv", command(libuv, "cached", depth)}}};
    if (depth == 1) row.contenders.push_back({"os.pread", command(python, "cached", 1)});
    rows.push_back(std::move(row));
  }
  for (auto const& [name, what] :
       {std::pair("read", "256 KiB in sequence from the page cache"),
        std::pair("write", "256 KiB in sequence, 1 GiB in all, to the page cache"),
        std::pair("small", "a file of 4 KiB made, read and removed")})
    rows.push_back({name,
                    what,
                    {{"plain calls", command(system, name, 1)},
                     {"weft io_uring", command(weft("uring"), name, 1)},
                     {"weft epoll", command(weft("epoll"), name, 1)},
                     {"Python", command(python, name, 1)}}});
  for (contest& row : rows) {
    if (row.name != "write" && row.name != "small") continue;
    unsigned const at_once = row.name == "write" ? 2 : 16;
    row.contenders.push_back(
        {fmt::format("weft io_uring x {}", at_once), command(weft("uring"), row.name, at_once)});
    row.contenders.push_back(
        {fmt::format("weft epoll x {}", at_once), command(weft("epoll"), row.name, at_once)});
  }
  for (unsigned const depth : {1u, 32u, 128u})
    rows.push_back({fmt::format("direct-{}", depth),
                    fmt::format("4 KiB past the page cache, in no order, {} at a time", depth),
                    {{"raw ring", command(ring, "direct", depth)},
                     {"weft io_uring", command(weft("uring"), "direct", depth)},
                     {"weft epoll", command(weft("epoll"), "direct", depth)},
                     {"pread", command(system, "direct", 1)},
                     {"libuv", command(libuv, "direct", depth)}}});
  for (auto const& [percent, which] : {std::pair(99u, "99 % of them at most"), {100u, "the worst"}})
    rows.push_back(
        {fmt::format("gap-{}", percent),
         fmt::format("from tick to tick of 1 ms while 1 GiB is written and synced: {}", which),
         {{"idle io_uring", command(weft("uring"), "gap-idle", percent)},
          {"weft io_uring", command(weft("uring"), "gap-write", percent)},
          {"idle epoll", command(weft("epoll"), "gap-idle", percent)},
          {"weft epoll", command(weft("epoll"), "gap-write", percent)}}});
  return rows;
}

}  // namespace

int main(int argc, char** argv) try {
  workplace const place;
  return bench::run_contests(
      argc, argv, "Compares what it takes to read and write files, in the working directory",
      all_rows(place.path(), FILES_PYTHON));
} catch (std::exception const& error) {
  fmt::print(stderr, "files: {}\n", error.what());
  return 1;
}
