// Input and output on pipes, readiness and blocking calls: the contract that every backend keeps.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>
#include <string_view>
#include <thread>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::bytes_of;
using support::run_on;
using support::text_of;

TEST_CASE_ON_EVERY_BACKEND("a read yields what was written") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    CHECK(co_await pipe.write.write_some(bytes_of("hello")) == 5);
    std::array<std::byte, 16> buffer{};
    auto const count = co_await pipe.read.read_some(buffer);
    CHECK(text_of(buffer, count) == "hello");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a read waits for the first byte and yields what is there") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    std::string order;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        std::array<std::byte, 16> buffer{};
        order += "r";
        CHECK(co_await pipe.read.read_some(buffer) == 3);
        order += "R";
      });
      co_await weft::yield();
      order += "w";
      CHECK(co_await pipe.write.write_some(bytes_of("abc")) == 3);
    });
    CHECK(order == "rwR");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a read yields 0 at end of file and for an empty buffer") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    std::array<std::byte, 4> buffer{};
    co_await pipe.write.write_some(bytes_of("x"));
    CHECK(co_await pipe.read.read_some({}) == 0);
    pipe.write.close();
    CHECK(co_await pipe.read.read_some(buffer) == 1);
    CHECK(co_await pipe.read.read_some(buffer) == 0);
    CHECK(co_await pipe.read.read_some(buffer) == 0);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("reading the end for writing fails, and so does the reverse") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    std::array<std::byte, 4> buffer{};
    auto const read = co_await weft::as_result(pipe.write.read_some(buffer));
    CHECK(read.error() == std::errc::bad_file_descriptor);
    auto const written = co_await weft::as_result(pipe.read.write_some(bytes_of("x")));
    CHECK(written.error() == std::errc::bad_file_descriptor);
    CHECK_THROWS_AS(co_await weft::readable(-1), std::system_error);
  }());
}

// The shell shares its standard streams, so they must stay blocking.
TEST_CASE_ON_EVERY_BACKEND("a read of standard input that has nothing yet blocks nobody") {
  int const before = ::dup(STDIN_FILENO);
  {
    auto pipe = weft::make_pipe();
    ::dup2(pipe.read.get(), STDIN_FILENO);
    run_on<On>([](weft::descriptor& writer) -> weft::task<> {
      auto input = weft::descriptor::adopt(STDIN_FILENO);
      std::string got;
      weft::event has_three;
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        tasks.spawn([&]() -> weft::task<> {
          std::array<std::byte, 2> buffer{};
          while (got.size() < 4) {
            got += text_of(buffer, co_await input.read_some(buffer));
            if (got.size() == 3) has_three.set();
          }
        });
        co_await weft::yield();
        co_await writer.write_some(bytes_of("abc"));
        co_await has_three.wait();
        co_await weft::yield();
        CHECK(got == "abc");
        co_await writer.write_some(bytes_of("d"));
      });
      input.release();
    }(pipe.write));
    CHECK((::fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK) == 0);
  }
  ::dup2(before, STDIN_FILENO);
  ::close(before);
}

TEST_CASE_ON_EVERY_BACKEND("the end of file wakes a waiting read") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        std::array<std::byte, 4> buffer{};
        CHECK(co_await pipe.read.read_some(buffer) == 0);
      });
      co_await weft::yield();
      pipe.write.close();
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a megabyte passes byte for byte through short reads and writes") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    std::string sent(1 << 20, '\0');
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 31 + i / 997);
    std::string received;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        std::size_t done = 0;
        for (std::size_t step = 1; done < sent.size(); step = step * 7 % 99'991 + 1)
          done += co_await pipe.write.write_some(
              bytes_of(sent).subspan(done).first(std::min(step, sent.size() - done)));
        pipe.write.close();
      });
      std::array<std::byte, 3001> buffer{};
      while (auto const count = co_await pipe.read.read_some(buffer))
        received += text_of(buffer, count);
    });
    CHECK(received == sent);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("writing where nobody reads is EPIPE, and no signal") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    pipe.read.close();
    auto const written = co_await weft::as_result(pipe.write.write_some(bytes_of("x")));
    CHECK(written.error() == std::errc::broken_pipe);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a bad descriptor is an error that names operation and object") {
  run_on<On>([]() -> weft::task<> {
    auto file = weft::descriptor::adopt(9999);
    std::array<std::byte, 1> buffer{};
    std::string message;
    try {
      co_await file.read_some(buffer);
    } catch (std::system_error const& error) {
      CHECK(error.code() == std::errc::bad_file_descriptor);
      message = error.what();
    }
    CHECK(message == "read fd 9999: Bad file descriptor");
    static_cast<void>(file.release());
    auto const waited = co_await weft::as_result(weft::readable(9999));
    CHECK(waited.error() == std::errc::bad_file_descriptor);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("readable and writable tell of readiness and take nothing") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    co_await weft::writable(pipe.write.get());
    int woken = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 2; ++i)
        tasks.spawn([&]() -> weft::task<> {
          co_await weft::readable(pipe.read.get());
          ++woken;
        });
      co_await weft::yield();
      CHECK(woken == 0);
      co_await pipe.write.write_some(bytes_of("x"));
    });
    CHECK(woken == 2);
    co_await weft::readable(pipe.read.get());  // still there
    std::array<std::byte, 4> buffer{};
    CHECK(co_await pipe.read.read_some(buffer) == 1);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a borrowed descriptor may be closed and its number used again") {
  run_on<On>([]() -> weft::task<> {
    for (int round = 0; round < 5; ++round) {
      std::array<int, 2> ends{};
      REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        tasks.spawn([&]() -> weft::task<> { co_await weft::readable(ends[0]); });
        co_await weft::yield();
        CHECK(::write(ends[1], "x", 1) == 1);
      });
      ::close(ends[0]);
      ::close(ends[1]);
    }
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a cancelled read leaves the bytes, and its buffer alone") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    std::array<std::byte, 4> buffer{};
    bool const ended = co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        tasks.spawn([&]() -> weft::task<> { co_await pipe.read.read_some(buffer); });
        co_await weft::yield();
        scope.cancel();
      });
    });
    CHECK_FALSE(ended);
    co_await pipe.write.write_some(bytes_of("abcd"));
    co_await weft::yield();
    CHECK(buffer[0] == std::byte{0});
    CHECK(co_await pipe.read.read_some(buffer) == 4);
    CHECK(text_of(buffer, 4) == "abcd");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("closing ends the read that waits, and the number can be used at once") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const closed = tasks.spawn([&]() -> weft::task<std::error_code> {
        std::array<std::byte, 4> buffer{};
        auto const got = co_await weft::as_result(pipe.read.read_some(buffer));
        co_return got.error();
      });
      co_await weft::yield();
      int const number = pipe.read.get();
      pipe.read.close();
      auto other = weft::make_pipe();
      CHECK(other.read.get() == number);
      co_await other.write.write_some(bytes_of("yz"));
      co_await weft::yield();
      std::array<std::byte, 4> buffer{};
      CHECK(co_await other.read.read_some(buffer) == 2);
      CHECK(co_await closed == std::errc::operation_canceled);
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND(
    "a read started in the same tick as its descriptor's close reads nobody else") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    auto other = weft::pipe_ends();
    std::array<std::byte, 4> buffer{};
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        auto const got = co_await weft::as_result(pipe.read.read_some(buffer));
        CHECK(got.error() == std::errc::operation_canceled);
      });
      tasks.spawn([&]() -> weft::task<> {
        pipe.read.close();
        other = weft::make_pipe();  // takes the number
        CHECK(::write(other.write.get(), "zz", 2) == 2);
        co_return;
      });
      co_return;
    });
    CHECK(co_await other.read.read_some(buffer) == 2);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a descriptor moved into one that was used is new to the loop") {
  run_on<On>([]() -> weft::task<> {
    std::array<std::byte, 4> buffer{};
    auto used = weft::make_pipe();
    int const number = used.read.get();
    for (int round = 0; round < 2; ++round) {
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        tasks.spawn([&]() -> weft::task<> { CHECK(co_await used.read.read_some(buffer) == 1); });
        co_await weft::yield();
        co_await used.write.write_some(bytes_of("x"));
      });
      // Closed elsewhere, so what the loop knows of the number is of this owner.
      std::thread([closed = std::exchange(used.read, {})] {}).join();
      auto next = weft::make_pipe();
      CHECK(next.read.get() == number);
      used.read = std::move(next.read);
      used.write = std::move(next.write);
    }
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a blocking call runs on another thread and resumes here") {
  run_on<On>([]() -> weft::task<> {
    auto const here = std::this_thread::get_id();
    auto const there = co_await weft::blocking([] { return std::this_thread::get_id(); });
    CHECK(std::this_thread::get_id() == here);
    if (On::is<support::simulated>()) co_return;  // performs it between two ticks
    CHECK(there != here);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a hundred blocking calls at once all come back, errors among them") {
  run_on<On>([]() -> weft::task<> {
    int values = 0;
    int errors = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 100; ++i)
        tasks.spawn([&, i]() -> weft::task<> {
          try {
            values += co_await weft::blocking([i] {
              if (i % 10 == 0) throw std::runtime_error("tenth");
              return 1;
            });
          } catch (std::runtime_error const&) {
            ++errors;
          }
        });
      co_return;
    });
    CHECK(values == 90);
    CHECK(errors == 10);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("more operations than the ring has entries are all done") {
  run_on<On>([]() -> weft::task<> {
    constexpr std::size_t count = 300;
    std::vector<weft::pipe_ends> pipes(count);
    for (auto& pipe : pipes) pipe = weft::make_pipe();
    std::size_t received = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (auto& pipe : pipes)
        tasks.spawn([&]() -> weft::task<> {
          std::array<std::byte, 8> buffer{};
          received += co_await pipe.read.read_some(buffer);
        });
      co_await weft::yield();
      for (auto& pipe : pipes)
        tasks.spawn([&]() -> weft::task<> { co_await pipe.write.write_some(bytes_of("ab")); });
    });
    CHECK(received == 2 * count);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("cancelling more reads than the ring has entries drops no cancel") {
  run_on<On>([]() -> weft::task<> {
    std::vector<weft::pipe_ends> pipes(100);
    for (auto& pipe : pipes) pipe = weft::make_pipe();
    std::size_t cancelled = 0;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (auto& pipe : pipes)
        tasks.spawn([&]() -> weft::task<> {
          std::array<std::byte, 8> buffer{};
          try {
            co_await pipe.read.read_some(buffer);
          } catch (weft::cancelled const&) {
            ++cancelled;
            throw;
          }
        });
      co_await weft::yield();
      tasks.cancel();
    });
    CHECK(cancelled == pipes.size());
  }());
}

TEST_CASE_ON_EVERY_BACKEND("timers and input go on side by side") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    auto const got = co_await weft::when_any(
        [](weft::descriptor& from) -> weft::task<std::size_t> {
          std::array<std::byte, 8> buffer{};
          co_return co_await from.read_some(buffer);
        }(pipe.read),
        []() -> weft::task<> { co_await weft::sleep_for(1ms); }());
    CHECK(got.index == 1);
    CHECK(std::get<0>(got.outcomes).was_cancelled());
  }());
}
