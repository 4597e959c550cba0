// Descriptors: ownership, closing, releasing, and errors. What reads and writes do on every backend
// is in the conformance suite.
#include "weft/descriptor.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "support/backends.hpp"
#include "weft/cancel.hpp"
#include "weft/result.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"
#include "weft/timeout.hpp"

using namespace std::chrono_literals;
using support::run_on;
using support::simulated;

namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

std::array<std::byte, 3> const three{std::byte{1}, std::byte{2}, std::byte{3}};

}  // namespace

TEST_CASE("a descriptor closes what it owns, and owns it once") {
  int number = -1;
  {
    auto pipe = weft::make_pipe();
    number = pipe.read.get();
    CHECK(pipe.read);
    CHECK(is_open(number));
    CHECK((::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0);
    auto moved = std::move(pipe.read);
    CHECK_FALSE(pipe.read);  // NOLINT(bugprone-use-after-move)
    CHECK(moved.get() == number);
  }
  CHECK_FALSE(is_open(number));
  CHECK(weft::descriptor().get() == -1);
}

TEST_CASE("assigning to a descriptor closes the one it held") {
  auto first = weft::make_pipe();
  auto second = weft::make_pipe();
  int const closed = first.read.get();
  first.read = std::move(second.read);
  CHECK_FALSE(is_open(closed));
  CHECK(is_open(first.read.get()));
}

TEST_CASE_ON_EVERY_BACKEND("a descriptor may be destroyed or replaced while it is read") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    auto second = weft::make_pipe();
    auto in = std::make_unique<weft::descriptor>(std::move(pipe.read));
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      std::array<weft::join_handle<std::error_code>, 2> ended;
      for (auto& handle : ended) {
        handle = tasks.spawn([&]() -> weft::task<std::error_code> {
          std::array<std::byte, 4> buffer{};
          auto const got = co_await weft::as_result(in->read_some(buffer));
          co_return got.error();
        });
        co_await weft::yield();
        if (&handle == ended.data())
          *in = std::move(second.read);
        else
          in.reset();
      }
      for (auto& handle : ended) CHECK(co_await handle == std::errc::operation_canceled);
    });
  }());
}

// Another thread closed the descriptor behind the number, so nothing known of it holds.
TEST_CASE_ON_EVERY_BACKEND("a number that was closed elsewhere is met anew") {
  run_on<On>([]() -> weft::task<> {
    int number = -1;
    for (int round = 0; round < 2; ++round) {
      auto pipe = weft::make_pipe();
      if (round == 0) number = pipe.read.get();
      CHECK(pipe.read.get() == number);
      std::array<std::byte, 4> buffer{};
      CHECK_THROWS_AS(co_await weft::with_timeout(1ms, pipe.read.read_some(buffer)),
                      weft::timed_out);
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        auto const got = tasks.spawn(
            [&]() -> weft::task<std::size_t> { co_return co_await pipe.read.read_some(buffer); });
        co_await weft::yield();
        CHECK(co_await pipe.write.write_some(three) == 3);
        CHECK(co_await got == 3);
      });
      std::thread([&] {  // not the loop's, so the loop does not hear of it
        pipe.read = weft::descriptor();
        pipe.write = weft::descriptor();
      })
          .join();
    }
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a released descriptor stays open and usable") {
  auto const before = support::open_descriptors();
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    co_await pipe.write.write_some(three);
    std::array<std::byte, 1> one{};
    co_await pipe.read.read_some(one);
    int const number = pipe.read.release();
    CHECK_FALSE(pipe.read);
    REQUIRE(is_open(number));
    std::array<std::byte, 8> rest{};
    CHECK(::read(number, rest.data(), rest.size()) == 2);
    auto adopted = weft::descriptor::adopt(number);
    co_await pipe.write.write_some(three);
    CHECK(co_await adopted.read_some(rest) == 3);
    CHECK(weft::descriptor().release() == -1);
  }());
  CHECK(support::open_descriptors() == before);
}

TEST_CASE_ON_EVERY_BACKEND("closing ends a waiting read with ECANCELED, which is no cancellation") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    std::error_code ended;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        std::array<std::byte, 4> buffer{};
        try {
          co_await pipe.read.read_some(buffer);
        } catch (std::system_error const& error) {
          ended = error.code();
        }
      });
      co_await weft::yield();
      co_await weft::sleep_for(1us);
      pipe.read.close();
      CHECK_FALSE(pipe.read);
    });
    CHECK(ended == std::errc::operation_canceled);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("an error names the operation and its descriptor") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    int const number = pipe.write.get();
    pipe.read.close();
    std::string message;
    try {
      co_await pipe.write.write_some(three);
    } catch (std::system_error const& error) {
      CHECK(error.code() == std::errc::broken_pipe);
      message = error.what();
    }
    CHECK(message.find("write fd " + std::to_string(number)) != std::string::npos);
    CHECK(message.find("Broken pipe") != std::string::npos);
  }());
}

TEST_CASE("closing twice is harmless, and an error of close(2) is thrown") {
  run_on<simulated>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    pipe.read.close();
    pipe.read.close();
    int const number = pipe.write.get();
    ::close(number);  // behind its back
    CHECK_THROWS_AS(pipe.write.close(), std::system_error);
    CHECK_FALSE(pipe.write);
    co_return;
  }());
}

TEST_CASE_ON_EVERY_BACKEND(
    "readable and writable wait for a borrowed descriptor and leave it alone") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    int const reads = pipe.read.release();
    int const writes = pipe.write.release();
    int const flags = ::fcntl(reads, F_GETFL);
    co_await weft::writable(writes);
    bool became_readable = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        co_await weft::readable(reads);
        became_readable = true;
      });
      co_await weft::yield();
      co_await weft::sleep_for(1us);
      CHECK_FALSE(became_readable);
      CHECK(::write(writes, three.data(), three.size()) == 3);
    });
    CHECK(became_readable);
    CHECK(::fcntl(reads, F_GETFL) == flags);
    ::close(reads);
    ::close(writes);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a cancelled read leaves every byte in the pipe") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    std::array<std::byte, 8> buffer{};
    bool const ended = co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        tasks.spawn([&]() -> weft::task<> { co_await pipe.read.read_some(buffer); });
        co_await weft::yield();
        co_await weft::sleep_for(1us);
        scope.cancel();
      });
    });
    CHECK_FALSE(ended);
    CHECK(co_await pipe.write.write_some(three) == 3);
    CHECK(co_await pipe.read.read_some(buffer) == 3);
  }());
}
