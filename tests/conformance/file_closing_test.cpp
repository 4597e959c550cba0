// Files: what ends a lock, and what a file waits for before it is closed.
#include "weft/file.hpp"

#include <array>
#include <chrono>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/temporary_directory.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::bytes_of;
using support::run_on;
using support::temporary_directory;
using weft::file;

TEST_CASE_ON_EVERY_BACKEND("a lock keeps out every other open file until it is dropped") {
  temporary_directory const dir;
  run_on<On>([](std::string path) -> weft::task<> {
    auto const one = co_await file::open(path, file::read_write | file::create);
    auto const other = co_await file::open(path, file::read_write);
    std::string order;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto held = std::make_unique<weft::file_lock>(co_await one.lock());
      tasks.spawn([&]() -> weft::task<> {
        auto const waited = co_await other.lock();
        order += "locked";
      });
      for (int i = 0; i < 10; ++i) co_await weft::sleep_for(1ms);
      order += "dropped ";
      held.reset();
    });
    CHECK(order == "dropped locked");

    auto const shared = co_await one.lock(weft::lock_kind::shared);
    auto const too = co_await other.lock(weft::lock_kind::shared);
    auto const third = co_await file::open(path, file::read_write);
    CHECK_THROWS_AS(co_await weft::with_timeout(20ms, third.lock()), weft::timed_out);
  }(dir / "data"));
}

TEST_CASE_ON_EVERY_BACKEND("a file that is dropped while it is used is closed after that") {
  temporary_directory const dir;
  auto const before = support::open_descriptors();
  run_on<On>([](std::string path) -> weft::task<> {
    auto data = co_await file::open(path, file::read_write | file::create);
    std::string const megabytes(8 << 20, 'x');
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (std::uint64_t i = 0; i < 4; ++i)
        tasks.spawn([&, i]() -> weft::task<> {
          co_await data.write_at(bytes_of(megabytes), i * megabytes.size());
        });
      co_await weft::yield();
      data = file();
    });
    CHECK(std::filesystem::file_size(path) == 4 * megabytes.size());
  }(dir / "data"));
  CHECK(support::descriptors_fall_to(before));
}

TEST_CASE_ON_EVERY_BACKEND("a file is not closed under its operations and locks") {
  temporary_directory const dir;
  run_on<On>([](std::string path) -> weft::task<> {
    auto data = co_await file::open(path, file::read_write | file::create);
    {
      auto const held = co_await data.lock();
      auto const why = "weft: close " + path + ": 1 operations and locks are still on it";
      CHECK_THROWS_WITH_AS((void)data.close(), why.c_str(), std::logic_error);
    }
    CHECK(data);
    co_await data.close();
    CHECK_THROWS_WITH_AS(co_await data.close(),
                         "close a file that is not open: Bad file descriptor", std::system_error);
  }(dir / "data"));
}

TEST_CASE_ON_EVERY_BACKEND("no cancellation keeps a file from being closed") {
  temporary_directory const dir;
  auto const before = support::open_descriptors();
  run_on<On>([](std::string path) -> weft::task<> {
    auto data = co_await file::open(path, file::read_write | file::create);
    co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      scope.cancel();
      std::array<std::byte, 4> buffer{};
      CHECK_THROWS_AS(co_await data.read_at(buffer, 0), weft::cancelled);
      co_await data.close();
    });
    CHECK_FALSE(data);
  }(dir / "data"));
  CHECK(support::descriptors_fall_to(before));
}
