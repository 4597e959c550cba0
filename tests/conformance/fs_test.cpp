// Files by name, and whole files: the contract that every backend keeps.
#include "weft/fs.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/every_point.hpp"
#include "support/plain_files.hpp"
#include "support/temporary_directory.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using support::bytes_of;
using support::contents;
using support::expect;
using support::make_file;
using support::names_in;
using support::run_on;
using support::temporary_directory;
namespace fs = weft::fs;

namespace {

using names = std::vector<std::string>;

// The text of what the task throws.
weft::task<std::string> text_thrown_by(weft::task<> failing) {
  try {
    co_await std::move(failing);
  } catch (std::exception const& error) {
    co_return error.what();
  }
  co_return "nothing was thrown";
}

weft::task<> ignoring(auto task) { co_await std::move(task); }

struct stat plain_status(std::string const& path) {
  struct stat found{};
  CHECK(::stat(path.c_str(), &found) == 0);
  return found;
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("files and directories are made, named, linked, told and removed") {
  temporary_directory const dir;
  run_on<On>([](temporary_directory const& in) -> weft::task<> {
    co_await fs::mkdir(in / "a", 0750);
    CHECK((co_await fs::stat(in / "a")).is_directory());
    CHECK((co_await fs::stat(in / "a")).permissions == 0750);

    make_file(in / "a/one", "x");
    co_await fs::rename(in / "a/one", in / "a/two");
    co_await fs::link(in / "a/two", in / "a/three");
    auto const two = co_await fs::stat(in / "a/two");
    CHECK(two.links == 2);
    CHECK(two.is_same_file(co_await fs::stat(in / "a/three")));

    co_await fs::symlink("two", in / "a/four");
    CHECK(co_await fs::read_link(in / "a/four") == "two");
    CHECK((co_await fs::stat(in / "a/four")).is_regular());
    CHECK((co_await fs::link_stat(in / "a/four")).is_symlink());
    CHECK(names_in(in / "a") == names{"four", "three", "two"});

    for (auto const* name : {"a/two", "a/three", "a/four", "a"}) co_await fs::remove(in / name);
    CHECK(names_in(in / "").empty());
  }(dir));
}

TEST_CASE_ON_EVERY_BACKEND("permissions, owner and times are set, of a link its own") {
  temporary_directory const dir;
  make_file(dir / "file");
  std::filesystem::create_symlink("file", dir / "link");
  run_on<On>([](temporary_directory const& in) -> weft::task<> {
    using std::chrono::nanoseconds;
    weft::file_time const accessed(nanoseconds(-1'000'000'001));  // before 1970
    weft::file_time const modified(nanoseconds(2'000'000'002));
    co_await fs::set_times(in / "link", accessed, modified);
    co_await fs::set_permissions(in / "file", 04711);
    co_await fs::set_owner(in / "file", ::geteuid(), ::getegid());
    auto const link = co_await fs::link_stat(in / "link");
    CHECK(link.accessed == accessed);
    CHECK(link.modified == modified);
    auto const file = co_await fs::stat(in / "file");
    CHECK(file.modified > modified);
    CHECK((file.permissions & 0777) == 0711);
    CHECK(file.user == ::geteuid());
    CHECK(co_await text_thrown_by(fs::set_permissions(in / "none", 0)) ==
          "set the permissions of " + (in / "none") + ": No such file or directory");
  }(dir));
}

TEST_CASE_ON_EVERY_BACKEND("the status of one file is given to another, and to a link its own") {
  temporary_directory const dir;
  make_file(dir / "file");
  make_file(dir / "other");
  std::filesystem::create_symlink("file", dir / "link");
  run_on<On>([](temporary_directory const& in) -> weft::task<> {
    co_await fs::set_permissions(in / "file", 02750);
    auto wanted = co_await fs::stat(in / "file");
    wanted.accessed = weft::file_time(std::chrono::seconds(1'000));
    wanted.modified = weft::file_time(std::chrono::seconds(2'000));
    co_await fs::set_status(in / "other", wanted, true);
    auto const other = co_await fs::stat(in / "other");
    CHECK(other.permissions == wanted.permissions);
    CHECK(other.accessed == wanted.accessed);
    CHECK(other.modified == wanted.modified);
    wanted.type = weft::file_type::symlink;
    co_await fs::set_status(in / "link", wanted);
    CHECK((co_await fs::link_stat(in / "link")).modified == wanted.modified);
    CHECK((co_await fs::stat(in / "file")).modified > wanted.modified);
    CHECK(co_await text_thrown_by(fs::set_status(in / "none", wanted)) ==
          "set the status of " + (in / "none") + ": No such file or directory");
  }(dir));
}

TEST_CASE_ON_EVERY_BACKEND("what a call on a name throws says the call and the names") {
  temporary_directory const dir;
  run_on<On>([](temporary_directory const& in) -> weft::task<> {
    auto const none = in / "none";
    auto const missing = ": No such file or directory";
    CHECK(co_await text_thrown_by(ignoring(fs::stat(none))) == "stat " + none + missing);
    CHECK(co_await text_thrown_by(fs::mkdir(none + "/x")) == "mkdir " + none + "/x" + missing);
    CHECK(co_await text_thrown_by(fs::remove(none)) == "remove " + none + missing);
    CHECK(co_await text_thrown_by(ignoring(fs::read_link(none))) == "read link " + none + missing);
    CHECK(co_await text_thrown_by(fs::rename(none, "x")) == "rename " + none + " to x" + missing);
    CHECK(co_await text_thrown_by(fs::link(none, "x")) == "link " + none + " as x" + missing);
    CHECK(co_await text_thrown_by(fs::symlink("x", in / "")) ==
          "symlink to x as " + (in / "") + ": File exists");
    make_file(in / "file");
    CHECK(co_await text_thrown_by(fs::remove(in / "")) ==
          "remove " + (in / "") + ": Directory not empty");
    CHECK(co_await text_thrown_by(fs::mkdir(std::string("a\0b", 3))) ==
          "weft: the name of a file has a NUL byte in it");
  }(dir));
}

TEST_CASE_ON_EVERY_BACKEND("a file is read to its end, whatever its size says") {
  temporary_directory const dir;
  run_on<On>([](temporary_directory const& in) -> weft::task<> {
    for (std::size_t const size : {0, 1, 65'535, 65'536, 65'537, 300'000}) {
      auto const text = support::pattern(size);
      make_file(in / "data", text);
      CHECK(co_await fs::read_file(in / "data") == text);
      CHECK(co_await fs::read_file(in / "data", size) == text);
      if (size != 0)
        CHECK_THROWS_AS(co_await fs::read_file(in / "data", size - 1), std::length_error);
    }
    CHECK((co_await fs::read_file("/proc/self/cmdline")).size() > 1);
    CHECK(co_await text_thrown_by(ignoring(fs::read_file(in / ""))) ==
          "read " + (in / "") + " at 0: Is a directory");
    CHECK(co_await text_thrown_by(ignoring(fs::read_file(in / "data", 7))) ==
          "weft: read " + (in / "data") + ": more than 7 bytes");
  }(dir));
}

TEST_CASE_ON_EVERY_BACKEND("a file is written whole, in the place of the one before") {
  temporary_directory const dir;
  run_on<On>([](temporary_directory const& in) -> weft::task<> {
    auto const path = in / "data";
    co_await fs::write_file(path, "one", {.permissions = 0640});
    CHECK(contents(path) == "one");
    CHECK((plain_status(path).st_mode & 07777) == 0640);
    ::chmod(path.c_str(), 0604);
    co_await fs::write_file(path, "two");
    CHECK(contents(path) == "two");
    CHECK((plain_status(path).st_mode & 07777) == 0604);

    std::filesystem::create_symlink("data", in / "link");
    co_await fs::write_file(in / "link", bytes_of("three"), {.durable = false});
    CHECK(contents(path) == "three");
    CHECK(names_in(in / "") == names{"data", "link"});
  }(dir));
}

TEST_CASE_ON_EVERY_BACKEND("what is written new does not run as the owner of what it replaces") {
  temporary_directory const dir;
  make_file(dir / "data", "old");
  REQUIRE(::chmod((dir / "data").c_str(), 06750) == 0);
  run_on<On>(fs::write_file(dir / "data", "new"));
  CHECK((plain_status(dir / "data").st_mode & 07777) == 0750);
  CHECK(contents(dir / "data") == "new");
}

TEST_CASE_ON_EVERY_BACKEND("a write that fails leaves what was there, and nothing else") {
  temporary_directory const dir;
  run_on<On>([](temporary_directory const& in) -> weft::task<> {
    CHECK(co_await text_thrown_by(fs::write_file(in / "none/data", "x")) ==
          "write " + (in / "none/data") + ": No such file or directory");
    std::filesystem::create_directory(in / "data");
    auto const why = co_await text_thrown_by(fs::write_file(in / "data", "x"));
    CHECK(why.ends_with("data: Is a directory"));
    CHECK(names_in(in / "") == names{"data"});
  }(dir));
}

TEST_CASE_ON_EVERY_BACKEND(
    "whenever a write is cancelled or fails, the file is the old or the new") {
  temporary_directory const dir;
  auto const path = dir / "data";
  auto const body = [&]() -> weft::task<> { co_await fs::write_file(path, "new contents"); };
  auto const after = [&] {
    auto const text = contents(path);
    bool const is_whole = text == "old" || text == "new contents";
    CHECK(is_whole);
    CHECK(names_in(dir / "") == names{"data"});
    make_file(path, "old");
  };
  make_file(path, "old");
  CHECK(support::cancel_at_every_point<On>(body, after) > 2);
  if (support::allocations_can_fail)
    CHECK(support::fail_every_allocation<On>(body, after) > 1);
  else
    MESSAGE("skipped: ThreadSanitizer's operator new cannot be replaced");
}

TEST_CASE_ON_EVERY_BACKEND("a copy has the contents, the permissions and, if asked, the times") {
  temporary_directory const dir;
  run_on<On>([](temporary_directory const& in) -> weft::task<> {
    for (std::size_t const size : {0, 1, 100'000, 40'000'000}) {
      auto const text = support::pattern(size);
      make_file(in / "from", text);
      ::chmod((in / "from").c_str(), 04751);
      timespec const times[2] = {{.tv_sec = 1'000, .tv_nsec = 5}, {.tv_sec = 2'000, .tv_nsec = 7}};
      ::utimensat(AT_FDCWD, (in / "from").c_str(), times, 0);
      std::vector<std::uint64_t> steps;
      co_await fs::copy_file(in / "from", in / "to",
                             {.keeps_times = true,
                              .keeps_owner = true,
                              .progress = [&](std::uint64_t done, std::uint64_t total) {
                                CHECK(total == size);
                                steps.push_back(done);
                              }});
      CHECK(contents(in / "to") == text);
      auto const copy = plain_status(in / "to");
      CHECK((copy.st_mode & 07777) == 04751);
      CHECK(copy.st_mtim.tv_sec == 2'000);
      CHECK(copy.st_mtim.tv_nsec == 7);
      CHECK(steps.back() == size);
      CHECK(std::ranges::is_sorted(steps));
      CHECK(names_in(in / "") == names{"from", "to"});
    }
    auto const before = std::chrono::system_clock::now() - std::chrono::seconds(1);
    co_await fs::copy_file(in / "from", in / "to");
    CHECK((co_await fs::stat(in / "to")).modified > before);
  }(dir));
}

TEST_CASE_ON_EVERY_BACKEND("a copy runs as its own owner, not as that of the original") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: only root may give files away");
    return;
  }
  temporary_directory const dir;
  make_file(dir / "from", "x");
  REQUIRE(::chown((dir / "from").c_str(), 1'234, 1'234) == 0);
  REQUIRE(::chmod((dir / "from").c_str(), 06755) == 0);
  run_on<On>([](temporary_directory const& in) -> weft::task<> {
    co_await fs::copy_file(in / "from", in / "mine");
    auto const mine = co_await fs::stat(in / "mine");
    CHECK(mine.user == 0);
    CHECK(mine.permissions == 0755);
    co_await fs::copy_file(in / "from", in / "theirs", {.keeps_owner = true});
    auto const theirs = co_await fs::stat(in / "theirs");
    CHECK(theirs.user == 1'234);
    CHECK(theirs.permissions == 06755);
  }(dir));
}

TEST_CASE_ON_EVERY_BACKEND("holes stay holes in a copy of a file above 4 GiB") {
  temporary_directory const dir;
  run_on<On>([](temporary_directory const& in) -> weft::task<> {
    constexpr std::uint64_t far = 5'000'000'000;
    {
      auto const from =
          co_await weft::file::open(in / "from", weft::file::write_only | weft::file::create);
      co_await from.write_at(bytes_of("begin"), 0);
      co_await from.write_at(bytes_of("there"), far);
      co_await from.resize(far + 1'000'000);
    }
    co_await fs::copy_file(in / "from", in / "to");
    auto const status = co_await fs::stat(in / "to");
    CHECK(status.size == far + 1'000'000);
    CHECK(status.allocated_bytes < 1 << 20);
    auto const to = co_await weft::file::open(in / "to");
    std::array<std::byte, 5> buffer{};
    co_await to.read_at(buffer, 0);
    CHECK(support::text_of(buffer) == "begin");
    co_await to.read_at(buffer, far);
    CHECK(support::text_of(buffer) == "there");
  }(dir));
}

TEST_CASE_ON_EVERY_BACKEND("what the kernel does not copy is read and written") {
  temporary_directory const dir;
  run_on<On>([](temporary_directory const& in) -> weft::task<> {
    // Another file system, whose files are as long as a page.
    constexpr auto from = "/sys/kernel/uevent_seqnum";
    if (::access(from, R_OK) != 0) {
      MESSAGE("skipped: there is no /sys here");
      co_return;
    }
    co_await fs::copy_file(from, in / "to");
    CHECK(contents(in / "to") == contents(from));
  }(dir));
}

TEST_CASE_ON_EVERY_BACKEND("a file that says that it is empty, and is not, is copied to its end") {
  temporary_directory const dir;
  run_on<On>([](temporary_directory const& in) -> weft::task<> {
    constexpr auto from = "/proc/self/limits";
    std::uint64_t total = 0;
    co_await fs::copy_file(from, in / "to", {.progress = [&](auto, auto all) { total = all; }});
    CHECK(contents(in / "to") == contents(from));
    CHECK(total == contents(from).size());
  }(dir));
}

TEST_CASE_ON_EVERY_BACKEND("what is no regular file is not copied") {
  temporary_directory const dir;
  run_on<On>([](temporary_directory const& in) -> weft::task<> {
    auto const to = in / "to";
    CHECK(co_await text_thrown_by(fs::copy_file(in / "", to)) ==
          "copy " + (in / "") + " to " + to + ": Is a directory");
    ::mkfifo((in / "fifo").c_str(), 0600);
    CHECK(co_await text_thrown_by(fs::copy_file(in / "fifo", to)) ==
          "weft: copy " + (in / "fifo") + " to " + to + ": it is no regular file");
    CHECK(co_await text_thrown_by(fs::copy_file(in / "none", to)) ==
          "copy " + (in / "none") + " to " + to + ": No such file or directory");
    CHECK(names_in(in / "") == names{"fifo"});
  }(dir));
}

TEST_CASE_ON_EVERY_BACKEND("whenever a copy is cancelled or fails, it is there as a whole or not") {
  temporary_directory const dir;
  auto const text = support::pattern(100'000);
  make_file(dir / "from", text);
  auto const body = [&]() -> weft::task<> { co_await fs::copy_file(dir / "from", dir / "to"); };
  auto const after = [&] {
    bool const is_there = std::filesystem::exists(dir / "to");
    if (is_there) CHECK(contents(dir / "to") == text);
    CHECK(names_in(dir / "") == (is_there ? names{"from", "to"} : names{"from"}));
    std::filesystem::remove(dir / "to");
  };
  CHECK(support::cancel_at_every_point<On>(body, after) > 1);
  if (support::allocations_can_fail)
    CHECK(support::fail_every_allocation<On>(body, after) > 1);
  else
    MESSAGE("skipped: ThreadSanitizer's operator new cannot be replaced");
}

TEST_CASE_ON_EVERY_BACKEND("a temporary directory is gone with all in it when the body has ended") {
  run_on<On>([]() -> weft::task<> {
    std::string was;
    int const value = co_await fs::temp_dir([&](std::string const& path) -> weft::task<int> {
      was = path;
      CHECK((co_await fs::stat(path)).permissions == 0700);
      co_await fs::mkdir(path + "/a");
      make_file(path + "/a/b");
      co_return 7;
    });
    CHECK(value == 7);
    CHECK_FALSE(std::filesystem::exists(was));

    auto const failing = [&](std::string const& path) -> weft::task<> {
      was = path;
      make_file(path + "/x");
      throw std::runtime_error("failed");
      co_return;
    };
    CHECK_THROWS_AS(co_await fs::temp_dir(failing), std::runtime_error);
    CHECK_FALSE(std::filesystem::exists(was));
    CHECK(co_await fs::remove_all(was) == 0);
  }());
}
