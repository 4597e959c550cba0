// Exact reads, whole writes and copies: how far they come, and what they leave when they fail.
#include <array>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/narrow.hpp"
#include "weft/net.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::bytes_of;
using support::pattern;
using support::run_on;
using support::text_of;

static_assert(weft::readable_stream<weft::descriptor>);
static_assert(weft::writable_stream<weft::descriptor>);
static_assert(weft::readable_stream<weft::net::tcp_stream>);
static_assert(weft::writable_stream<weft::net::tcp_stream>);
static_assert(weft::readable_stream<weft::buffered_reader<weft::descriptor>>);
static_assert(!weft::writable_stream<weft::buffered_reader<weft::descriptor>>);
static_assert(!weft::readable_stream<std::string>);

namespace {

// Everything up to the end of the stream.
weft::task<std::string> rest_of(weft::descriptor& from) {
  std::string rest;
  std::array<std::byte, 1000> buffer{};
  while (auto const count = co_await from.read_some(buffer)) rest += text_of(buffer, count);
  co_return rest;
}

weft::task<> write_and_close(weft::descriptor& to, std::string_view text) {
  co_await weft::write_all(to, bytes_of(text));
  to.close();
}

// What a task that fails says.
struct failure {
  std::error_code code;
  std::string text;
  std::size_t bytes_done = 0;
};

weft::task<failure> failure_of(weft::task<> body) {
  try {
    co_await std::move(body);
  } catch (weft::transfer_error const& error) {
    co_return failure{error.code(), error.what(), error.bytes_done()};
  }
  co_return failure{};
}

// Cancels the body once `stream` was asked for the nth time; yields its bytes_done.
template <class Stream>
weft::task<std::size_t> cancel_at_step(std::size_t nth, Stream& stream, weft::task<> body) {
  std::size_t done = static_cast<std::size_t>(-1);
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    auto const child = tasks.spawn([&]() -> weft::task<> {
      try {
        co_await std::move(body);
      } catch (weft::cancelled const& cut_short) {
        done = cut_short.bytes_done();
        throw;
      }
    });
    while (stream.asked.size() < nth) co_await weft::yield();
    child.cancel();
  });
  co_return done;
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("an exact read takes as many short writes as it needs, and no more") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    auto const sent = pattern(1000);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        for (std::size_t at = 0; at < sent.size(); at += 8) {
          co_await pipe.write.write_some(bytes_of(sent).subspan(at, 8));
          if (at % 3 == 0) co_await weft::yield();
        }
        pipe.write.close();
      });
      std::array<std::byte, 900> buffer{};
      co_await weft::read_exactly(pipe.read, buffer);
      CHECK(text_of(buffer) == sent.substr(0, 900));
      CHECK(co_await rest_of(pipe.read) == sent.substr(900));
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("an exact read of one-byte segments yields every byte") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    auto const sent = pattern(300);
    co_await weft::write_all(pipe.write, bytes_of(sent));
    support::narrow one_by_one(pipe.read, 1);
    std::array<std::byte, 300> buffer{};
    co_await weft::read_exactly(one_by_one, buffer);
    CHECK(text_of(buffer) == sent);
    CHECK(one_by_one.asked.size() == 300);
    CHECK(one_by_one.asked.back() == 1);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("reading and writing nothing touches no stream") {
  run_on<On>([]() -> weft::task<> {
    weft::descriptor none;
    co_await weft::read_exactly(none, {});
    co_await weft::write_all(none, {});
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a stream that ends early says how many bytes came before the end") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    co_await write_and_close(pipe.write, "abc");
    std::array<std::byte, 8> buffer{};
    for (std::size_t const expected : {3, 0}) {
      std::size_t done = 99;
      try {
        co_await weft::read_exactly(pipe.read, buffer);
      } catch (weft::end_of_stream const& end) {
        done = end.bytes_done();
      }
      CHECK(done == expected);
    }
    CHECK(text_of(buffer, 3) == "abc");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a step that fails keeps its code and text, and bytes_done is added") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    co_await pipe.write.write_some(bytes_of("abc"));
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      std::array<std::byte, 8> buffer{};
      support::narrow stream(pipe.read);
      auto const name = "read fd " + std::to_string(pipe.read.get());
      auto const failed = tasks.spawn([&]() -> weft::task<failure> {
        co_return co_await failure_of(weft::read_exactly(stream, buffer));
      });
      while (stream.asked.size() < 2) co_await weft::yield();
      pipe.read.close();
      auto const how = co_await failed;
      CHECK(how.code == std::errc::operation_canceled);
      CHECK(how.text == name + ": Operation canceled");
      CHECK(how.bytes_done == 3);
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a failing exact read gives as_result its code") {
  run_on<On>([]() -> weft::task<> {
    weft::descriptor none;
    std::array<std::byte, 8> buffer{};
    auto const got = co_await weft::as_result(weft::read_exactly(none, buffer));
    CHECK(got.error() == std::errc::bad_file_descriptor);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a cancelled exact read says what it took, and the rest can be read") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    co_await pipe.write.write_some(bytes_of("hello"));
    std::array<std::byte, 8> buffer{};
    support::narrow stream(pipe.read);
    CHECK(co_await cancel_at_step(2, stream, weft::read_exactly(stream, buffer)) == 5);
    CHECK(text_of(buffer, 5) == "hello");

    co_await write_and_close(pipe.write, " world\nbye");
    weft::buffered_reader reader(pipe.read);
    CHECK(co_await reader.line() == " world");
    CHECK(co_await reader.line() == "bye");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("an exact read that runs into its timeout says how many bytes it took") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    co_await pipe.write.write_some(bytes_of("hello"));
    std::array<std::byte, 8> buffer{};
    std::size_t done = 0;
    try {
      co_await weft::with_timeout(1ms, weft::read_exactly(pipe.read, buffer));
    } catch (weft::timed_out const& late) {
      done = late.bytes_done();
    }
    CHECK(done == 5);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a timeout inside a step stays a timeout") {
  run_on<On>([]() -> weft::task<> {
    struct hasty {
      weft::descriptor& inner;
      weft::task<std::size_t> read_some(std::span<std::byte> buffer) {
        co_return co_await weft::with_timeout(1ms, inner.read_some(buffer));
      }
    };
    auto pipe = weft::make_pipe();
    co_await pipe.write.write_some(bytes_of("ab"));
    hasty stream{pipe.read};
    std::array<std::byte, 8> buffer{};
    std::size_t done = 0;
    try {
      co_await weft::read_exactly(stream, buffer);
    } catch (weft::timed_out const& late) {
      done = late.bytes_done();
    }
    CHECK(done == 2);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a whole write waits for room as often as it needs") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    auto const sent = pattern(1 << 20);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn(write_and_close(pipe.write, sent));
      CHECK(co_await rest_of(pipe.read) == sent);
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a whole write that nobody reads any more is EPIPE with bytes_done") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    auto const sent = pattern(1 << 20);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const name = "write fd " + std::to_string(pipe.write.get());
      auto const failed = tasks.spawn([&]() -> weft::task<failure> {
        co_return co_await failure_of(weft::write_all(pipe.write, bytes_of(sent)));
      });
      std::array<std::byte, 1000> buffer{};
      co_await weft::read_exactly(pipe.read, buffer);
      pipe.read.close();
      auto const how = co_await failed;
      CHECK(how.code == std::errc::broken_pipe);
      CHECK(how.text == name + ": Broken pipe");
      CHECK(how.bytes_done >= buffer.size());
      CHECK(how.bytes_done < sent.size());
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a cancelled whole write says how many bytes the receiver will find") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    auto const sent = pattern(1 << 20);
    support::narrow stream(pipe.write);
    auto const done = co_await cancel_at_step(2, stream, weft::write_all(stream, bytes_of(sent)));
    CHECK(done > 0);
    CHECK(done < sent.size());
    pipe.write.close();
    CHECK(co_await rest_of(pipe.read) == sent.substr(0, done));
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a stream with a whole write of its own is left to do it") {
  run_on<On>([]() -> weft::task<> {
    struct whole {
      std::string got;
      weft::task<std::size_t> write_some(std::span<std::byte const>) {
        throw std::logic_error("not to be called");
      }
      weft::task<std::size_t> write_all(std::span<std::byte const> bytes) {
        got += text_of(bytes);
        co_return bytes.size();
      }
    };
    whole stream;
    co_await weft::write_all(stream, bytes_of("abc"));
    CHECK(stream.got == "abc");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a stream that writes nothing is an error, and no endless loop") {
  run_on<On>([]() -> weft::task<> {
    struct stuck {
      weft::task<std::size_t> write_some(std::span<std::byte const>) { co_return 0; }
    };
    stuck stream;
    auto const how = co_await failure_of(weft::write_all(stream, bytes_of("abc")));
    CHECK(how.code == std::errc::io_error);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a megabyte is copied byte for byte") {
  run_on<On>([]() -> weft::task<> {
    auto first = weft::make_pipe();
    auto second = weft::make_pipe();
    auto const sent = pattern(1 << 20);
    std::string received;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn(write_and_close(first.write, sent));
      tasks.spawn([&]() -> weft::task<> {
        support::narrow uneven(second.write, 4099);
        CHECK(co_await weft::copy(first.read, uneven, 10'007) == sent.size());
        second.write.close();
      });
      received = co_await rest_of(second.read);
    });
    CHECK(received == sent);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a copy of an ended stream is 0 bytes, and closes nothing") {
  run_on<On>([]() -> weft::task<> {
    auto first = weft::make_pipe();
    auto second = weft::make_pipe();
    first.write.close();
    CHECK(co_await weft::copy(first.read, second.write) == 0);
    CHECK(co_await second.write.write_some(bytes_of("x")) == 1);
    bool refused = false;
    try {
      co_await weft::copy(first.read, second.write, 0);
    } catch (std::invalid_argument const&) {
      refused = true;
    }
    CHECK(refused);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a copy that fails or is cancelled says how many bytes it wrote") {
  run_on<On>([]() -> weft::task<> {
    auto first = weft::make_pipe();
    auto second = weft::make_pipe();
    support::narrow stream(first.read);
    auto copying = [&]() -> weft::task<> { co_await weft::copy(stream, second.write, 64); };

    co_await first.write.write_some(bytes_of("abcdef"));
    CHECK(co_await cancel_at_step(2, stream, copying()) == 6);
    std::array<std::byte, 16> buffer{};
    CHECK(co_await second.read.read_some(buffer) == 6);

    co_await first.write.write_some(bytes_of("gh"));
    second.read.close();
    auto const how = co_await failure_of(copying());
    CHECK(how.code == std::errc::broken_pipe);
    CHECK(how.text.starts_with("write fd "));
    CHECK(how.bytes_done == 0);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("the same algorithms serve a connection") {
  run_on<On>([]() -> weft::task<> {
    auto listener = weft::net::tcp_listener::bind("127.0.0.1:0");
    auto const body = pattern(1 << 20);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        auto peer = co_await listener.accept();
        CHECK(co_await weft::copy(peer, peer) == body.size() + 7);
      });
      auto stream = co_await weft::net::connect(listener.local());
      auto const sending = tasks.spawn([&]() -> weft::task<> {
        weft::buffered_writer writer(stream);
        co_await writer.write(bytes_of("hello\r\n"));
        co_await writer.flush();
        co_await weft::write_all(stream, bytes_of(body));
        stream.shutdown_write();
      });
      weft::buffered_reader reader(stream);
      CHECK(co_await reader.line() == "hello");
      std::vector<std::byte> received(body.size());
      co_await reader.read_exactly(received);
      CHECK(text_of(received) == body);
      CHECK(co_await reader.line() == std::nullopt);
      co_await sending;
    });
  }());
}
