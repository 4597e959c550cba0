// Files: the contract that every backend keeps.
#include "weft/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/every_point.hpp"
#include "support/plain_files.hpp"
#include "support/temporary_directory.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::bytes_of;
using support::contents;
using support::expect;
using support::make_file;
using support::run_on;
using support::temporary_directory;
using support::text_of;
using weft::file;

namespace {

std::string what_of(auto const& failing) {
  try {
    failing();
  } catch (std::exception const& error) {
    return error.what();
  }
  return "nothing was thrown";
}

// The text of what an await throws.
weft::task<std::string> text_thrown_by(auto failing) {
  try {
    co_await failing();
  } catch (std::system_error const& error) {
    co_return error.what();
  }
  co_return "nothing was thrown";
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("what is written at an offset is read there") {
  temporary_directory const dir;
  run_on<On>([](std::string path) -> weft::task<> {
    auto data = co_await file::open(path, file::read_write | file::create);
    co_await data.write_at(bytes_of("hello"), 3);
    CHECK(co_await data.write_some_at(bytes_of("HEL"), 3) == 3);
    std::array<std::byte, 16> buffer{};
    auto const count = co_await data.read_at(buffer, 2);
    CHECK(text_of(buffer, count) == std::string("\0HELlo", 6));
    CHECK(co_await data.read_at(buffer, 8) == 0);
    CHECK(co_await data.read_at(std::span<std::byte>(), 0) == 0);
    CHECK(data.position() == 0);
    co_await data.close();
    CHECK_FALSE(data);
    CHECK(contents(path) == std::string("\0\0\0HELlo", 8));
  }(dir / "data"));
}

TEST_CASE_ON_EVERY_BACKEND("reads and writes at the position move it on") {
  temporary_directory const dir;
  run_on<On>([](std::string path) -> weft::task<> {
    auto data = co_await file::open(path, file::read_write | file::create);
    CHECK(co_await data.write_some(bytes_of("one ")) == 4);
    co_await weft::write_all(data, bytes_of("two three"));
    CHECK(data.position() == 13);
    data.seek(4);
    std::array<std::byte, 4> buffer{};
    co_await weft::read_exactly(data, buffer);
    CHECK(text_of(buffer, 4) == "two ");
    CHECK(data.position() == 8);
    CHECK(text_of(buffer, co_await data.read_some(buffer)) == "thre");
    CHECK(text_of(buffer, co_await data.read_some(buffer)) == "e");
    CHECK(co_await data.read_some(buffer) == 0);
    CHECK(data.position() == 13);
  }(dir / "data"));
}

TEST_CASE_ON_EVERY_BACKEND("a file is a stream to be copied and read by lines") {
  temporary_directory const dir;
  std::string text;
  for (int line = 0; line < 5'000; ++line) text += "line " + std::to_string(line) + "\n";
  make_file(dir / "from", text);
  run_on<On>([](std::string from_path, std::string to_path, std::size_t size) -> weft::task<> {
    auto from = co_await file::open(from_path);
    auto to = co_await file::open(to_path, file::write_only | file::exclusive);
    CHECK(co_await weft::copy(from, to, 4'096) == size);
    from.seek(0);
    weft::buffered_reader lines(from);
    int count = 0;
    while (auto const line = co_await lines.line()) {
      if (count == 4'999) CHECK(*line == "line 4999");
      ++count;
    }
    CHECK(count == 5'000);
  }(dir / "from", dir / "to", text.size()));
  CHECK(contents(dir / "to") == text);
}

TEST_CASE_ON_EVERY_BACKEND("several pieces are read and written as one") {
  temporary_directory const dir;
  run_on<On>([](std::string path) -> weft::task<> {
    auto data = co_await file::open(path, file::read_write | file::create);
    std::array const pieces{bytes_of("ab"), bytes_of(""), bytes_of("cde")};
    CHECK(co_await data.write_some_at(pieces, 1) == 5);
    std::array<std::byte, 3> front{};
    std::array<std::byte, 8> back{};
    std::array<std::span<std::byte>, 2> const into{front, back};
    CHECK(co_await data.read_at(into, 1) == 5);
    CHECK(text_of(front, 3) == "abc");
    CHECK(text_of(back, 2) == "de");

    std::vector<std::span<std::byte const>> const many(20, bytes_of("xyz"));
    CHECK(co_await data.write_some_at(many, 0) == 48);
    CHECK(co_await data.write_some_at(std::span(many).first(0), 0) == 0);
  }(dir / "data"));
}

TEST_CASE_ON_EVERY_BACKEND("hundreds of operations at offsets are in flight at once") {
  temporary_directory const dir;
  run_on<On>([](std::string path) -> weft::task<> {
    auto const data = co_await file::open(path, file::read_write | file::create);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (std::uint64_t i = 0; i < 300; ++i)
        tasks.spawn([&, i]() -> weft::task<> {
          auto const text = std::to_string(1'000 + i);
          co_await data.write_at(bytes_of(text), 4 * i);
          std::array<std::byte, 4> buffer{};
          CHECK(text_of(buffer, co_await data.read_at(buffer, 4 * i)) == text);
        });
      co_return;
    });
    auto const status = co_await data.stat();
    CHECK(status.size == 1'200);
  }(dir / "data"));
}

TEST_CASE_ON_EVERY_BACKEND("a second operation at the position is refused while one is there") {
  temporary_directory const dir;
  make_file(dir / "data", "abcdef");
  run_on<On>([](std::string path) -> weft::task<> {
    auto data = co_await file::open(path);
    std::array<std::byte, 3> buffer{};
    {
      auto const first = data.read_some(buffer);
#ifdef NDEBUG
      CHECK_THROWS_AS((void)data.read_some(buffer), std::logic_error);
#endif
      CHECK(co_await data.read_at(buffer, 3) == 3);
    }
    CHECK(co_await data.read_some(buffer) == 3);
  }(dir / "data"));
}

TEST_CASE_ON_EVERY_BACKEND("the mode says what opening does") {
  temporary_directory const dir;
  run_on<On>([](temporary_directory const& in) -> weft::task<> {
    auto const path = in / "data";
    auto const missing = co_await text_thrown_by([&] { return file::open(path); });
    CHECK(missing == "open " + path + ": No such file or directory");

    auto made = co_await file::open(path, file::write_only | file::exclusive, 0640);
    CHECK((co_await made.stat()).permissions == 0640);
    co_await weft::write_all(made, bytes_of("abc"));
    std::array<std::byte, 4> buffer{};
    auto const unreadable = co_await weft::as_result(made.read_at(buffer, 0));
    CHECK(unreadable.error() == std::errc::bad_file_descriptor);

    auto const there =
        co_await weft::as_result(file::open(path, file::read_write | file::exclusive));
    CHECK(there.error() == std::errc::file_exists);

    auto appending = co_await file::open(path, file::append);
    co_await weft::write_all(appending, bytes_of("def"));
    co_await appending.write_at(bytes_of("ghi"), 0);
    CHECK(contents(path) == "abcdefghi");

    auto emptied = co_await file::open(path, file::truncate);
    CHECK((co_await emptied.stat()).size == 0);

    auto unnamed = co_await file::open(in / "", file::read_write | file::temporary);
    co_await weft::write_all(unnamed, bytes_of("x"));
    CHECK((co_await unnamed.stat()).links == 0);
  }(dir));
}

TEST_CASE_ON_EVERY_BACKEND("a mode or a path that says nothing is refused") {
  run_on<On>([]() -> weft::task<> {
    std::string why;
    try {
      co_await file::open("data", file::create);
    } catch (std::invalid_argument const& refused) {
      why = refused.what();
    }
    CHECK(why ==
          "weft: open data: neither to read nor to write; the mode needs one of read_only, "
          "write_only, read_write and append");
    CHECK_THROWS_AS(co_await file::open(std::string("a\0b", 3)), std::invalid_argument);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("an error names the operation, the path and the offset") {
  temporary_directory const dir;
  make_file(dir / "data", "abc");
  run_on<On>([](temporary_directory const& in) -> weft::task<> {
    std::array<std::byte, 4> buffer{};
    auto const directory = co_await file::open(in / "");
    CHECK(co_await text_thrown_by([&] { return directory.read_at(buffer, 7); }) ==
          "read " + (in / "") + " at 7: Is a directory");
    CHECK(co_await text_thrown_by([&] { return file::open(in / "", file::write_only); }) ==
          "open " + (in / "") + ": Is a directory");
    CHECK(co_await text_thrown_by([&] { return file::open(in / "data/x"); }) ==
          "open " + (in / "data/x") + ": Not a directory");
    // Root has to keep to this one's permissions, too.
    constexpr auto read_only = "/proc/sys/kernel/ostype";
    CHECK(co_await text_thrown_by([&] { return file::open(read_only, file::write_only); }) ==
          std::string("open ") + read_only + ": Permission denied");

    auto const data = co_await file::open(in / "data", file::read_write);
    constexpr std::uint64_t far = std::uint64_t{1} << 62;
    CHECK(co_await text_thrown_by([&] { return data.write_at(bytes_of("x"), far); }) ==
          "write " + (in / "data") + " at 4611686018427387904: File too large");
    CHECK(co_await text_thrown_by([&] {
            return data.write_at(bytes_of("x"), ~std::uint64_t{0});
          }) == "write " + (in / "data") + " at 18446744073709551615: Invalid argument");
    CHECK(co_await text_thrown_by([&] { return data.read_at(buffer, ~std::uint64_t{0}); }) ==
          "read " + (in / "data") + " at 18446744073709551615: Invalid argument");

    file const closed;
    CHECK(co_await text_thrown_by([&] { return closed.read_at(buffer, 0); }) ==
          "read a file that is not open at 0: Bad file descriptor");
    CHECK(co_await text_thrown_by([&] { return closed.sync(); }) ==
          "sync a file that is not open: Bad file descriptor");
  }(dir));
}

TEST_CASE_ON_EVERY_BACKEND("a full device ends a write, which says how far it came") {
  run_on<On>([]() -> weft::task<> {
    auto const full = co_await file::open("/dev/full", file::write_only);
    std::size_t done = 99;
    try {
      co_await full.write_at(bytes_of("abc"), 0);
    } catch (weft::transfer_error const& error) {
      CHECK(error.code() == std::errc::no_space_on_device);
      CHECK(std::string(error.what()) == "write /dev/full at 0: No space left on device");
      done = error.bytes_done();
    }
    CHECK(done == 0);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a file that grows or shrinks while it is read ends where it ends") {
  temporary_directory const dir;
  make_file(dir / "data", "abcdef");
  run_on<On>([](std::string path) -> weft::task<> {
    auto data = co_await file::open(path);
    auto const other = co_await file::open(path, file::read_write);
    std::array<std::byte, 4> buffer{};
    CHECK(text_of(buffer, co_await data.read_some(buffer)) == "abcd");
    co_await other.resize(2);
    CHECK(co_await data.read_some(buffer) == 0);
    co_await other.write_at(bytes_of("ghi"), 4);
    CHECK(text_of(buffer, co_await data.read_some(buffer)) == "ghi");
    CHECK(co_await data.read_some(buffer) == 0);
  }(dir / "data"));
}

TEST_CASE_ON_EVERY_BACKEND("a sparse file has places above 4 GiB") {
  temporary_directory const dir;
  run_on<On>([](std::string path) -> weft::task<> {
    constexpr std::uint64_t far = 5'000'000'001;
    auto const data = co_await file::open(path, file::read_write | file::create);
    co_await data.write_at(bytes_of("there"), far);
    auto const status = co_await data.stat();
    CHECK(status.size == far + 5);
    CHECK(status.allocated_bytes < 1 << 20);
    std::array<std::byte, 8> buffer{};
    CHECK(text_of(buffer, co_await data.read_at(buffer, far)) == "there");
    CHECK(text_of(buffer, co_await data.read_at(buffer, far - 7)) ==
          std::string("\0\0\0\0\0\0\0t", 8));
  }(dir / "data"));
}

TEST_CASE_ON_EVERY_BACKEND("a name need not be text") {
  temporary_directory const dir;
  run_on<On>([](std::string path) -> weft::task<> {
    auto made = co_await file::open(path, file::write_only | file::exclusive);
    co_await weft::write_all(made, bytes_of("x"));
    co_await made.close();
    CHECK(std::filesystem::file_size(path) == 1);
  }(dir / "\xff\xfe \n\x01"));
}

TEST_CASE_ON_EVERY_BACKEND("a file is synced, resized, given room and described") {
  temporary_directory const dir;
  run_on<On>([](std::string path) -> weft::task<> {
    auto const before = std::chrono::system_clock::now() - 1s;
    auto const data = co_await file::open(path, file::read_write | file::create, 0600);
    co_await data.write_at(bytes_of("abc"), 0);
    co_await data.data_sync();
    co_await data.sync();
    co_await data.resize(10);
    CHECK(contents(path) == std::string("abc\0\0\0\0\0\0\0", 10));
    co_await data.allocate(0, 100'000);
    auto const status = co_await data.stat();
    CHECK(status.is_regular());
    CHECK(status.size == 100'000);
    CHECK(status.allocated_bytes >= 100'000);
    CHECK(status.permissions == 0600);
    CHECK(status.links == 1);
    CHECK(status.user == ::geteuid());
    CHECK(status.modified > before);
    struct stat plain{};
    ::stat(path.c_str(), &plain);
    CHECK(status.inode == plain.st_ino);
    CHECK(status.device == plain.st_dev);
    CHECK(status.modified.time_since_epoch() ==
          std::chrono::seconds(plain.st_mtim.tv_sec) +
              std::chrono::nanoseconds(plain.st_mtim.tv_nsec));
    co_await data.resize(0);
    CHECK((co_await data.stat()).size == 0);
  }(dir / "data"));
}

// RWF_NOWAIT waits for the device then.
TEST_CASE_ON_EVERY_BACKEND("a read past the page cache is not tried on the loop's thread") {
  temporary_directory const dir;
  make_file(dir / "data", std::string(8'192, 'x'));
  run_on<On>([](std::string path) -> weft::task<> {
    auto opened = co_await weft::as_result(file::open(path, file::read_only | file::direct));
    if (!opened) {
      MESSAGE("skipped: this file system has no O_DIRECT");
      co_return;
    }
    auto const adopted = file::adopt(
        weft::descriptor::adopt(::open(path.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC)), path);
    auto const cached = co_await file::open(path);
    std::unique_ptr<std::byte, decltype([](std::byte* memory) { std::free(memory); })> const memory(
        static_cast<std::byte*>(std::aligned_alloc(4'096, 4'096)));
    std::span const buffer(memory.get(), 4'096);
    CHECK(opened->read_at(buffer, 0).read_from_cache() == -EAGAIN);
    CHECK(adopted.read_at(buffer, 0).read_from_cache() == -EAGAIN);
    CHECK(cached.read_at(buffer, 0).read_from_cache() == 4'096);
    CHECK(co_await opened->read_at(buffer, 4'096) == 4'096);
    CHECK(buffer[0] == std::byte{'x'});
  }(dir / "data"));
}

namespace {

weft::task<> use_a_file(std::string path) {
  auto data = co_await file::open(path, file::read_write | file::create);
  auto const held = std::make_unique<weft::file_lock>(co_await data.lock());
  co_await data.write_at(bytes_of("abc"), 0);
  std::array<std::byte, 4> buffer{};
  expect(co_await data.read_at(buffer, 0) == 3);
  expect(co_await data.read_some(buffer) == 3);
  co_await data.sync();
  expect((co_await data.stat()).size == 3);
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("whatever is done with a file can be cancelled, and can fail") {
  temporary_directory const dir;
  auto const body = [&] { return use_a_file(dir / "data"); };
  CHECK(support::cancel_at_every_point<On>(body) > 2);
  if (support::allocations_can_fail)
    CHECK(support::fail_every_allocation<On>(body) > 1);
  else
    MESSAGE("skipped: ThreadSanitizer's operator new cannot be replaced");
}
