// Writing through a buffer: when it is flushed, what passes it by, and what is left after a
// failure.
#include <array>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/narrow.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::bytes_of;
using support::pattern;
using support::run_on;
using support::text_of;
using sizes = std::vector<std::size_t>;

namespace {

weft::task<std::string> rest_of(weft::descriptor& from) {
  std::string rest;
  std::array<std::byte, 1000> buffer{};
  while (auto const count = co_await from.read_some(buffer)) rest += text_of(buffer, count);
  co_return rest;
}

std::vector<std::string> logged;

// Collects what is logged while it lives.
struct log_capture {
  weft::log_hook before = weft::set_log_hook(
      [](weft::log_level, std::string_view message) noexcept { logged.emplace_back(message); });
  log_capture() { logged.clear(); }
  ~log_capture() { weft::set_log_hook(before); }
};

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("small writes are collected until a flush") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    support::narrow stream(pipe.write);
    weft::buffered_writer writer(stream, 8);
    for (auto const* const piece : {"ab", "", "cde"}) co_await writer.write(bytes_of(piece));
    CHECK(writer.size() == 5);
    CHECK(stream.asked.empty());
    co_await writer.flush();
    co_await writer.flush();
    CHECK(writer.size() == 0);
    CHECK(stream.asked == sizes{5});
    pipe.write.close();
    CHECK(co_await rest_of(pipe.read) == "abcde");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a full buffer is flushed when more comes, and not before") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    support::narrow stream(pipe.write);
    weft::buffered_writer writer(stream, 8);
    co_await writer.write(bytes_of("abcdef"));
    co_await writer.write(bytes_of("gh"));
    CHECK(writer.size() == 8);
    CHECK(stream.asked.empty());
    co_await writer.write(bytes_of("i"));
    CHECK(stream.asked == sizes{8});
    CHECK(writer.size() == 1);
    co_await writer.flush();
    pipe.write.close();
    CHECK(co_await rest_of(pipe.read) == "abcdefghi");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a write as large as the buffer passes it by, after what is buffered") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    support::narrow stream(pipe.write);
    weft::buffered_writer writer(stream, 8);
    co_await writer.write(bytes_of("12345678"));
    CHECK(stream.asked == sizes{8});
    CHECK(writer.size() == 0);
    co_await writer.write(bytes_of("abc"));
    co_await writer.write(bytes_of("defghIJKLMNOPQRSTUVWXYZ"));
    CHECK(stream.asked == sizes{8, 8, 18});
    CHECK(writer.size() == 0);
    pipe.write.close();
    CHECK(co_await rest_of(pipe.read) == "12345678abcdefghIJKLMNOPQRSTUVWXYZ");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("writes of all sizes come out in order") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    auto const sent = pattern(1 << 19);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        support::narrow uneven(pipe.write, 777);
        weft::buffered_writer writer(uneven, 1000);
        std::size_t step = 1;
        for (std::size_t at = 0; at < sent.size(); at += step, step = step * 7 % 4001 + 1) {
          step = std::min(step, sent.size() - at);
          co_await writer.write(bytes_of(sent).subspan(at, step));
        }
        co_await writer.flush();
        pipe.write.close();
      });
      CHECK(co_await rest_of(pipe.read) == sent);
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a cancelled flush keeps what is unwritten, and can be repeated") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    auto const sent = pattern(200'000);
    weft::buffered_writer writer(pipe.write, 300'000);
    co_await writer.write(bytes_of(sent));
    std::size_t done = 0;
    try {
      co_await weft::with_timeout(1ms, writer.flush());
    } catch (weft::timed_out const& late) {
      done = late.bytes_done();
    }
    CHECK(done > 0);
    CHECK(writer.size() == sent.size() - done);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        co_await writer.write(bytes_of("the end"));
        co_await writer.flush();
        pipe.write.close();
      });
      CHECK(co_await rest_of(pipe.read) == sent + "the end");
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a cancelled write says what it took; the rest can be written later") {
  for (std::size_t const capacity : {1'000, 50'000, 500'000}) {
    CAPTURE(capacity);
    run_on<On>([](std::size_t buffer_bytes) -> weft::task<> {
      auto pipe = weft::make_pipe();
      auto const sent = pattern(200'000);
      weft::buffered_writer writer(pipe.write, buffer_bytes);
      std::size_t taken = 0;
      while (taken < sent.size()) {
        std::size_t const step = std::min<std::size_t>(30'001, sent.size() - taken);
        try {
          co_await weft::with_timeout(1ms, writer.write(bytes_of(sent).subspan(taken, step)));
        } catch (weft::timed_out const& late) {
          CHECK(late.bytes_done() < step);
          taken += late.bytes_done();
          break;
        }
        taken += step;
      }
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        tasks.spawn([&]() -> weft::task<> {
          co_await writer.write(bytes_of(sent).subspan(taken));
          co_await writer.flush();
          pipe.write.close();
        });
        CHECK(co_await rest_of(pipe.read) == sent);
      });
    }(capacity));
  }
}

TEST_CASE_ON_EVERY_BACKEND("a failed write says what it took, with the code of the step") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    pipe.read.close();
    weft::buffered_writer writer(pipe.write, 8);
    co_await writer.write(bytes_of("abc"));
    std::size_t done = 99;
    try {
      co_await writer.write(bytes_of("defghijk"));
    } catch (weft::transfer_error const& error) {
      CHECK(error.code() == std::errc::broken_pipe);
      done = error.bytes_done();
    }
    CHECK(done == 5);
    CHECK(writer.size() == 8);
    CHECK_THROWS_AS(co_await writer.flush(), weft::transfer_error);
    CHECK(writer.size() == 8);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("bytes that are lost without an exception are logged") {
  log_capture const capture;
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    {
      weft::buffered_writer forgotten(pipe.write);
      co_await forgotten.write(bytes_of("abc"));
    }
    CHECK(logged ==
          std::vector<std::string>{"a buffered_writer was destroyed with 3 bytes not flushed"});
    logged.clear();

    {
      weft::buffered_writer flushed(pipe.write);
      co_await flushed.write(bytes_of("abc"));
      co_await flushed.flush();
    }
    try {
      weft::buffered_writer unwound(pipe.write);
      co_await unwound.write(bytes_of("abc"));
      throw 1;
    } catch (int) {}
    pipe.read.close();
    {
      weft::buffered_writer failed(pipe.write);
      co_await failed.write(bytes_of("abc"));
      CHECK_THROWS_AS(co_await failed.flush(), weft::transfer_error);
    }
    CHECK(logged.empty());
    {
      weft::buffered_writer went_on(pipe.write);
      co_await went_on.write(bytes_of("abc"));
      CHECK_THROWS_AS(co_await went_on.flush(), weft::transfer_error);
      co_await went_on.write(bytes_of("d"));  // which did not fail
    }
    CHECK(logged.size() == 1);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a writer allocates its buffer on the first write, and needs one") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    weft::buffered_writer const idle(pipe.write, std::size_t{1} << 60);
    CHECK(idle.size() == 0);
    CHECK_THROWS_AS(weft::buffered_writer(pipe.write, 0), std::invalid_argument);
    co_return;
  }());
}
