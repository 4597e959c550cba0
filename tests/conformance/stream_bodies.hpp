// More bodies for the harnesses of every_point_test.cpp: a server, and the algorithms over streams.
// Wherever these are ended, each byte that was written has been taken or is still there.
#pragma once

#include <sys/ioctl.h>

#include <chrono>
#include <new>

#include "bodies.hpp"
#include "weft/log.hpp"
#include "weft/net.hpp"

namespace bodies {

// A pipe, and the bytes that went in and came out.
struct counted_pipe {
  weft::pipe_ends ends = weft::make_pipe();
  std::size_t written = 0;
  std::size_t taken = 0;
  bool known = true;  // false when memory ran out, since that does not say how far it came

  counted_pipe() = default;
  counted_pipe(counted_pipe const&) = delete;
  counted_pipe& operator=(counted_pipe const&) = delete;
  ~counted_pipe() {
    int inside = 0;
    expect(::ioctl(ends.read.get(), FIONREAD, &inside) == 0);
    if (known) expect(written == taken + static_cast<std::size_t>(inside));
  }

  weft::task<> put(std::string_view piece) {
    written += co_await ends.write.write_some(support::bytes_of(piece));
    co_await later(1);
  }

  // Takes all there is, in small pieces.
  weft::task<> drain() {
    std::array<std::byte, 20'000> buffer{};
    while (auto const count = co_await ends.read.read_some(buffer)) {
      taken += count;
      co_await weft::yield();
    }
  }

  // Runs a transfer of `bytes` that adds to `count`.
  weft::task<> count_in(std::size_t& count, std::size_t bytes, weft::task<> transfer) {
    try {
      co_await std::move(transfer);
      count += bytes;
    } catch (weft::cancelled const& cut_short) {
      count += cut_short.bytes_done();
      throw;
    } catch (std::bad_alloc const&) {
      known = false;
      throw;
    }
  }
};

inline weft::task<> exact_reads() {
  counted_pipe pipe;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn([&]() -> weft::task<> {
      for (auto const* const piece : {"ab", "cde", "f"}) co_await pipe.put(piece);
    });
    std::array<std::byte, 6> buffer{};
    co_await pipe.count_in(pipe.taken, 6, weft::read_exactly(pipe.ends.read, buffer));
    expect(support::text_of(buffer) == "abcdef");
  });
}

inline weft::task<> whole_writes() {
  counted_pipe pipe;
  auto const sent = support::pattern(150'000);
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(pipe.drain());
    co_await pipe.count_in(pipe.written, sent.size(),
                           weft::write_all(pipe.ends.write, support::bytes_of(sent)));
    pipe.ends.write.close();
  });
}

inline weft::task<> copies() {
  counted_pipe from;
  counted_pipe to;
  from.known = false;  // what was read and not yet written is lost
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn([&]() -> weft::task<> {
      for (auto const* const piece : {"ab", "cde", "f"}) co_await from.put(piece);
      from.ends.write.close();
    });
    tasks.spawn(to.drain());
    co_await to.count_in(to.written, 6, [&]() -> weft::task<> {
      expect(co_await weft::copy(from.ends.read, to.ends.write, 4) == 6);
    }());
    to.ends.write.close();
  });
}

inline weft::task<> all_lines() {
  counted_pipe pipe;
  weft::buffered_reader reader(pipe.ends.read, 4);
  struct buffered_too {
    counted_pipe& pipe;
    weft::buffered_reader<weft::descriptor>& reader;
    ~buffered_too() { pipe.taken += reader.buffered().size(); }
  } const at_end{pipe, reader};
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn([&]() -> weft::task<> {
      for (auto const* const piece : {"on", "e\n\nt", "hree\nfour", "five", "\n"})
        co_await pipe.put(piece);
      pipe.ends.write.close();
    });
    auto lines = reader.lines();
    int count = 0;
    while (auto const line = co_await lines.next()) {
      pipe.taken += line->size() + 1;
      ++count;
    }
    expect(count == 4);
  });
}

inline weft::task<> buffered_writes() {
  counted_pipe pipe;
  weft::buffered_writer writer(pipe.ends.write, 4);
  std::size_t accepted = 0;
  struct less_buffered {
    counted_pipe& pipe;
    weft::buffered_writer<weft::descriptor>& writer;
    std::size_t& accepted;
    ~less_buffered() { pipe.written = accepted - writer.size(); }
  } const at_end{pipe, writer, accepted};
  auto const large = support::pattern(100'000);
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(pipe.drain());
    for (std::string_view const piece : {std::string_view("abc"), std::string_view("defg"),
                                         std::string_view(large), std::string_view("h")})
      co_await pipe.count_in(accepted, piece.size(), writer.write(support::bytes_of(piece)));
    co_await writer.flush();
    expect(writer.size() == 0);
    pipe.ends.write.close();
  });
}

// One client is served to its end, one is cut off at the deadline.
inline weft::task<> a_server() {
  struct silence {
    weft::log_hook before = weft::set_log_hook([](weft::log_level, std::string_view) noexcept {});
    ~silence() { weft::set_log_hook(before); }
  } const silent;
  auto const answer = [](weft::net::tcp_stream peer) -> weft::task<> {
    while (auto const data = co_await peer.read()) co_await peer.write_all(data);
  };
  auto listener = weft::net::tcp_listener::bind("127.0.0.1:0");
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(weft::net::serve(listener, answer, {.drain = std::chrono::milliseconds(1)}));
    auto first = co_await weft::net::connect(listener.local());
    auto second = co_await weft::net::connect(listener.local());
    for (auto* const client : {&first, &second}) {
      co_await client->write_all(support::bytes_of("x"));
      co_await client->read();
    }
    first.close();
    tasks.request_stop();
    expect(!co_await second.read());
  });
}

inline std::map<std::string, support::body> const every_stream_body = {
    {"read_exactly", exact_reads},
    {"write_all", whole_writes},
    {"copy", copies},
    {"lines", all_lines},
    {"serve", a_server},
    {"buffered_writer", buffered_writes},
};

}  // namespace bodies
