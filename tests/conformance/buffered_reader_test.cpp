// Reading through a buffer: lines, delimiters and their limits, wherever the pieces are cut, and
// what stays in the buffer when a call is cut short.
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/narrow.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using namespace std::string_literals;
using support::bytes_of;
using support::pattern;
using support::run_on;
using support::text_of;
using narrow_pipe = support::narrow<weft::descriptor>;

namespace {

// The read end of a pipe that holds `text` and then ends.
weft::task<weft::descriptor> stream_of(std::string_view text) {
  auto pipe = weft::make_pipe();
  co_await weft::write_all(pipe.write, bytes_of(text));
  co_return std::move(pipe.read);
}

// All lines of the text, read so many bytes at a time; "!LIMIT" in place of one that is too long.
weft::task<std::vector<std::string>> lines_of(std::string_view text, std::size_t most,
                                              std::size_t limit) {
  auto pipe = co_await stream_of(text);
  narrow_pipe stream(pipe, most);
  weft::buffered_reader reader(stream, 4);
  auto lines = reader.lines(limit);
  std::vector<std::string> seen;
  try {
    while (auto const line = co_await lines.next()) seen.emplace_back(*line);
  } catch (weft::line_too_long const& error) {
    seen.push_back("!" + std::to_string(error.limit_bytes()));
  }
  co_return seen;
}

using lines = std::vector<std::string>;

struct lines_case {
  std::string text;
  std::size_t limit;
  lines expected;
};

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("lines are the same wherever the reads cut them") {
  std::vector<lines_case> const cases = {
      {"", 10, {}},
      {"one\ntwo\n", 10, {"one", "two"}},
      {"one\r\ntwo\r\n", 10, {"one", "two"}},
      {"one\ntwo", 10, {"one", "two"}},
      {"\n\r\n\n", 10, {"", "", ""}},
      {"\n", 0, {""}},
      {"\r\n", 0, {""}},
      {"a\rb\r\r\nc\r", 10, {"a\rb\r", "c\r"}},
      {"nul\0in it\n\0"s, 10, {"nul\0in it"s, "\0"s}},
      {"12345678\n", 8, {"12345678"}},
      {"12345678\r\n", 8, {"12345678"}},
      {"12345678", 8, {"12345678"}},
      {"123456789\n", 8, {"!8"}},
      {"123456789\r\n", 8, {"!8"}},
      {"123456789", 8, {"!8"}},
      {"12345678\r", 8, {"!8"}},
      {"12345678\r9\n", 8, {"!8"}},
      {"x\n", 0, {"!0"}},
      {"ok\n123456789\nok\n", 8, {"ok", "!8"}},
  };
  for (auto const& [text, limit, expected] : cases)
    for (std::size_t most = 1; most <= 12; ++most) {
      CAPTURE(text);
      CAPTURE(most);
      auto const seen = run_on<On>(lines_of(text, most, limit));
      CHECK(seen == expected);
    }
}

TEST_CASE_ON_EVERY_BACKEND("a line over the limit is refused before its end comes, and again") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    weft::buffered_reader reader(pipe.read);
    co_await pipe.write.write_some(bytes_of("123456789"));
    for (int i = 0; i < 2; ++i) {
      std::string message;
      try {
        co_await reader.line(8);
      } catch (weft::line_too_long const& error) {
        message = error.what();
      }
      CHECK(message == "a line is longer than the limit of 8 bytes");
      CHECK(text_of(reader.buffered()) == "123456789");
    }
    pipe.write.close();
    CHECK(co_await reader.line(9) == "123456789");
    CHECK(co_await reader.line(9) == std::nullopt);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a line far longer than the buffer comes whole") {
  run_on<On>([]() -> weft::task<> {
    auto const longest = std::string(50'000, 'x');
    auto pipe = co_await stream_of("ab\n" + longest + "\ncd");
    narrow_pipe one_by_one(pipe, 1);
    weft::buffered_reader reader(one_by_one, 4);
    CHECK(co_await reader.line() == "ab");
    CHECK(co_await reader.line() == longest);
    CHECK(co_await reader.line() == "cd");
  }());
}

TEST_CASE("the search for the end of a line looks only at what is new") {
  weft::detail::read_buffer buffer(16);
  std::ranges::copy(bytes_of("a\nb|c"), buffer.room().begin());
  buffer.filled(5);
  std::size_t searched = 4;
  CHECK(buffer.take_line(100, searched) == std::nullopt);
  CHECK(searched == 5);
  searched = 4;
  CHECK(buffer.take_until("|", 100, searched) == std::nullopt);
  searched = 0;
  CHECK(buffer.take_until("--", 100, searched) == std::nullopt);
  CHECK(searched == 4);  // the last byte could have been the first of a delimiter
}

TEST_CASE_ON_EVERY_BACKEND("a delimiter is found wherever the reads cut it") {
  for (std::size_t most = 1; most <= 12; ++most) {
    CAPTURE(most);
    run_on<On>([](std::size_t at_a_time) -> weft::task<> {
      auto pipe = co_await stream_of("a: 1\r\n\r\r\n\r\nbody--==--=-tail");
      narrow_pipe stream(pipe, at_a_time);
      weft::buffered_reader reader(stream, 4);
      CHECK(co_await reader.read_until("\r\n\r\n") == "a: 1\r\n\r");
      CHECK(co_await reader.read_until("--=-") == "body--==");
      std::size_t came = 0;
      try {
        co_await reader.read_until("--=-");
      } catch (weft::end_of_stream const& end) {
        came = end.bytes_done();
      }
      CHECK(came == 4);
      CHECK(text_of(reader.buffered()) == "tail");
    }(most));
  }
}

TEST_CASE_ON_EVERY_BACKEND("the limit of a delimited piece is exact at the border") {
  for (std::size_t most = 1; most <= 12; ++most) {
    CAPTURE(most);
    run_on<On>([](std::size_t at_a_time) -> weft::task<> {
      auto pipe = co_await stream_of("12345678--12345678-");
      narrow_pipe stream(pipe, at_a_time);
      weft::buffered_reader reader(stream, 4);
      CHECK_THROWS_AS(co_await reader.read_until("--", 7), weft::line_too_long);
      CHECK(co_await reader.read_until("--", 8) == "12345678");
      CHECK_THROWS_AS(co_await reader.read_until("--", 7), weft::line_too_long);
      CHECK_THROWS_AS(co_await reader.read_until("--", 8), weft::end_of_stream);
      CHECK_THROWS_AS(co_await reader.read_until("", 8), std::invalid_argument);
    }(most));
  }
}

TEST_CASE_ON_EVERY_BACKEND("reads take what is buffered first, and large ones pass the buffer by") {
  run_on<On>([]() -> weft::task<> {
    auto const sent = "line\n" + pattern(100);
    auto pipe = co_await stream_of(sent);
    narrow_pipe stream(pipe);
    weft::buffered_reader reader(stream, 16);
    CHECK(co_await reader.line() == "line");
    std::array<std::byte, 100> buffer{};
    CHECK(co_await reader.read_some({}) == 0);
    CHECK(co_await reader.read_some(std::span(buffer).first(3)) == 3);
    CHECK(co_await reader.read_some(std::span(buffer).subspan(3)) == 8);
    CHECK(stream.asked == std::vector<std::size_t>{16});
    co_await reader.read_exactly(std::span(buffer).subspan(11, 80));
    CHECK(stream.asked == std::vector<std::size_t>{16, 80});
    co_await reader.read_exactly(std::span(buffer).subspan(91));
    CHECK(stream.asked == std::vector<std::size_t>{16, 80, 16});
    CHECK(text_of(buffer) == sent.substr(5));
    CHECK(co_await reader.read_some(buffer) == 0);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("lines that are left early leave the rest to be read") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = co_await stream_of("head\n\nbody");
    weft::buffered_reader reader(pipe);
    {
      auto lines = reader.lines();
      while (auto const line = co_await lines.next())
        if (line->empty()) break;
    }
    std::array<std::byte, 4> body{};
    co_await reader.read_exactly(body);
    CHECK(text_of(body) == "body");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a line that is cut short by a timeout stays in the buffer") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    weft::buffered_reader reader(pipe.read, 4);
    std::string come;
    for (auto const* const piece : {"GET", " / HT", "TP/1"}) {
      co_await pipe.write.write_some(bytes_of(piece));
      come += piece;
      CHECK_THROWS_AS(co_await weft::with_timeout(1ms, reader.line()), weft::timed_out);
      CHECK(text_of(reader.buffered()) == come);
    }
    co_await pipe.write.write_some(bytes_of(".1\r\nrest"));
    CHECK(co_await reader.line() == "GET / HTTP/1.1");
    std::array<std::byte, 4> rest{};
    co_await reader.read_exactly(rest);
    CHECK(text_of(rest) == "rest");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("an exact read that is cut short says what it took from the buffer") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = weft::make_pipe();
    weft::buffered_reader reader(pipe.read);
    co_await pipe.write.write_some(bytes_of("x\nabc"));
    CHECK(co_await reader.line() == "x");
    std::array<std::byte, 6> buffer{};
    std::size_t done = 0;
    try {
      co_await weft::with_timeout(1ms, reader.read_exactly(buffer));
    } catch (weft::timed_out const& late) {
      done = late.bytes_done();
    }
    CHECK(done == 3);
    co_await pipe.write.write_some(bytes_of("defg"));
    co_await reader.read_exactly(std::span(buffer).subspan(done));
    CHECK(text_of(buffer) == "abcdef");
    CHECK(text_of(reader.buffered()) == "g");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a failing read leaves what came before in the buffer") {
  run_on<On>([]() -> weft::task<> {
    struct failing {
      weft::descriptor& inner;
      int reads = 0;
      weft::task<std::size_t> read_some(std::span<std::byte> buffer) {
        if (++reads == 2) throw std::system_error(std::make_error_code(std::errc::io_error));
        co_return co_await inner.read_some(buffer);
      }
    };
    auto pipe = co_await stream_of("part");
    failing stream{pipe};
    weft::buffered_reader reader(stream);
    CHECK_THROWS_AS(co_await reader.line(), std::system_error);
    CHECK(text_of(reader.buffered()) == "part");
    CHECK(co_await reader.line() == "part");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a reader allocates its buffer on the first read, and needs one") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = co_await stream_of("");
    weft::buffered_reader const idle(pipe, std::size_t{1} << 60);
    CHECK(idle.buffered().empty());
    CHECK_THROWS_AS(weft::buffered_reader(pipe, 0), std::invalid_argument);
    co_return;
  }());
}
