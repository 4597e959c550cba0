// Files sent to sockets: the kernel's way, which nobody sees but for its speed.
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/plain_files.hpp"
#include "support/streams.hpp"
#include "support/temporary_directory.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::connected;
using support::make_file;
using support::run_on;
using support::temporary_directory;
using weft::file;

namespace {

// Reads as long as there is something, a little at a time.
weft::task<std::string> all_of(weft::net::stream_socket& from) {
  std::string all;
  std::array<std::byte, 100'000> buffer{};
  while (auto const count = co_await from.read_some(buffer)) {
    all += support::text_of(buffer, count);
    co_await weft::yield();
  }
  co_return all;
}

weft::task<> send_and_shut_down(file& from, weft::net::stream_socket& to, std::uint64_t expected) {
  CHECK(co_await weft::copy(from, to) == expected);
  to.shutdown_write();
}

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("a file arrives at the other end of a socket, from its position on") {
  temporary_directory const dir;
  std::string const text = support::pattern(9'000'000);
  make_file(dir / "large", text);
  run_on<On>([](std::string path, std::string const& whole) -> weft::task<> {
    auto from = co_await file::open(path);
    auto ends = co_await connected();
    weft::net::traffic counted;
    ends.near.count_in(counted);
    from.seek(1'000);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn(send_and_shut_down(from, ends.near, whole.size() - 1'000));
      CHECK(co_await all_of(ends.far) == whole.substr(1'000));
    });
    CHECK(from.position() == whole.size());
    CHECK(counted.bytes_written == whole.size() - 1'000);
    CHECK(co_await weft::copy(from, ends.far) == 0);
  }(dir / "large", text));
}

TEST_CASE_ON_REAL_BACKENDS("a file whose size is not known is sent all the same") {
  run_on<On>([]() -> weft::task<> {
    auto const expected = co_await weft::fs::read_file("/proc/self/limits");
    auto from = co_await file::open("/proc/self/limits");
    auto ends = co_await connected();
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn(send_and_shut_down(from, ends.near, expected.size()));
      CHECK(co_await all_of(ends.far) == expected);
    });
  }());
}

TEST_CASE_ON_REAL_BACKENDS(
    "a sending that is cancelled says how far it came, as does the position") {
  temporary_directory const dir;
  std::string const text = support::pattern(20'000'000);
  make_file(dir / "large", text);
  run_on<On>([](std::string path, std::string const& whole) -> weft::task<> {
    auto from = co_await file::open(path);
    auto ends = co_await connected();
    ends.near.set_send_buffer_size(100'000);
    std::size_t sent = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto sending = tasks.spawn([&]() -> weft::task<> {
        try {
          co_await weft::copy(from, ends.near);
        } catch (weft::cancelled const& cut_short) {
          sent = cut_short.bytes_done();
          throw;
        }
      });
      while (from.position() == 0) co_await weft::sleep_for(1ms);
      sending.cancel();
    });
    CHECK(sent > 0);
    CHECK(sent < whole.size());
    CHECK(from.position() == sent);
    ends.near.shutdown_write();
    CHECK(co_await all_of(ends.far) == whole.substr(0, sent));
  }(dir / "large", text));
}

TEST_CASE_ON_REAL_BACKENDS("a sending that fails names the socket and says how far it came") {
  temporary_directory const dir;
  make_file(dir / "large", support::pattern(20'000'000));
  run_on<On>([](std::string path) -> weft::task<> {
    auto from = co_await file::open(path);
    auto ends = co_await connected();
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([](weft::net::tcp_stream& far) -> weft::task<> {
        co_await weft::sleep_for(5ms);
        far.reset();
      }(ends.far));
      try {
        co_await weft::copy(from, ends.near);
        FAIL("sent to nobody");
      } catch (weft::transfer_error const& error) {
        bool const expected = error.code().value() == EPIPE || error.code().value() == ECONNRESET;
        CHECK(expected);
        CHECK(error.bytes_done() == from.position());
        CHECK(std::string(error.what()).starts_with("write fd "));
      }
    });
    file closed;
    CHECK_THROWS_AS(co_await weft::copy(closed, ends.near), std::system_error);
  }(dir / "large"));
}

TEST_CASE_ON_REAL_BACKENDS("a socket that is closed while a file is sent ends the sending") {
  temporary_directory const dir;
  make_file(dir / "large", support::pattern(20'000'000));
  auto const before = support::open_descriptors();
  run_on<On>([](std::string path) -> weft::task<> {
    auto from = co_await file::open(path);
    auto ends = co_await connected();
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([](weft::net::tcp_stream& near) -> weft::task<> {
        co_await weft::sleep_for(5ms);
        near.close();
      }(ends.near));
      try {
        co_await weft::copy(from, ends.near);
        FAIL("sent to nobody");
      } catch (weft::transfer_error const& error) {
        CHECK(error.code().value() == ECANCELED);
      }
    });
  }(dir / "large"));
  CHECK(support::descriptors_fall_to(before));
}
