// The queue server and those who have not got its key, or speak another language: they are refused,
// with a line in the log that has no secret in it, and nobody else notices.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "queue/frame.hpp"
#include "queue/handshake.hpp"
#include "queue/message.hpp"
#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/log_catcher.hpp"
#include "support/queue_place.hpp"
#include "weft/net.hpp"
#include "weft/net/queue/error.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::queue_place;
using support::run_on;
using support::with_queue_server;
using weft::detail::handshake;
using weft::net::queue_client;
using weft::net::tcp_stream;

namespace {

weft::net::queue_server_options const plain{.key = queue_place::key};

// Of a connection that goes as it should.
struct session {
  tcp_stream stream;
  weft::detail::digest key;  // of what goes to the server
  weft::detail::frame_sealer sealer;
  std::array<std::byte, handshake::answer_bytes> answer;  // as it went over the network
};

weft::task<std::array<std::byte, handshake::hello_bytes>> hello_from(tcp_stream& stream) {
  std::array<std::byte, handshake::hello_bytes> hello{};
  co_await weft::read_exactly(stream, hello);
  co_return hello;
}

weft::task<std::array<std::byte, handshake::verdict_bytes>> verdict_on(
    tcp_stream& stream, std::array<std::byte, handshake::answer_bytes> const& answer) {
  co_await stream.write_all(answer);
  std::array<std::byte, handshake::verdict_bytes> verdict{};
  co_await weft::read_exactly(stream, verdict);
  co_return verdict;
}

weft::task<session> admitted(queue_place const& here) {
  auto stream = co_await weft::net::connect(here.address());
  weft::detail::client_handshake client(queue_place::key);
  auto const answer = client.answer(co_await hello_from(stream));
  client.confirm(co_await verdict_on(stream, answer));
  co_return session{.stream = std::move(stream),
                    .key = client.keys().to_server,
                    .sealer = weft::detail::frame_sealer(client.keys().to_server),
                    .answer = answer};
}

weft::task<> send(session& from, std::string_view message) {
  std::string frame;
  from.sealer.seal(support::bytes_of(message), frame);
  co_await from.stream.write_all(support::bytes_of(frame));
}

// Reads to the end; a reset is one, too.
weft::task<std::string> rest_of(tcp_stream& stream) {
  std::string all;
  try {
    while (auto const bytes = co_await stream.read()) all += support::text_of(bytes);
  } catch (std::system_error const&) {}
  co_return all;
}

// The queue works, and was not disturbed.
weft::task<> check_that_all_is_well(queue_client& queue) {
  co_await queue.put(1);
  auto task = co_await queue.take();
  CHECK(task->delivery() == 1);
  co_await queue.ack(std::move(*task), 2);
  auto results = queue.results();
  CHECK((co_await results.next())->value<int>() == 2);
}

// The server says one line, which has this in it, of what the step does.
weft::task<> check_refusal(queue_place const& here, std::string_view why, weft::task<> step) {
  auto good = here.client();
  co_await good.depth();
  support::log_catcher const log;
  co_await std::move(step);
  REQUIRE(log.lines().size() == 1);
  CHECK(log.lines()[0].find(why) != std::string::npos);
  CHECK(log.lines()[0].find(queue_place::key) == std::string::npos);
  co_await check_that_all_is_well(good);
}

// Writes the bytes over a connection that was let in, and waits for its end.
weft::task<> say(queue_place const& here, std::string bytes) {
  auto with = co_await admitted(here);
  co_await with.stream.write_all(support::bytes_of(bytes));
  co_await rest_of(with.stream);
}

// The same with a message that is sealed as it should be.
weft::task<> ask(queue_place const& here, std::string message) {
  auto with = co_await admitted(here);
  co_await send(with, message);
  co_await rest_of(with.stream);
}

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("a client with another key is refused at once, and told why") {
  with_queue_server<On>(plain, [](queue_place const& here) -> weft::task<> {
    co_await check_refusal(
        here, "was refused: it has not got the key", [](auto at) -> weft::task<> {
          queue_client wrong(at.tasks(), at.address(), "tasks", {.key = "battery staple"});
          std::string why;
          try {
            co_await wrong.depth();
          } catch (weft::net::authentication_error const& error) {
            why = error.what();
          }
          CHECK(why == "weft: the queue server refuses the key");
        }(here));
    CHECK_THROWS_AS(queue_client(here.tasks(), here.address(), "tasks", {.key = ""}),
                    std::invalid_argument);
    CHECK_THROWS_AS(weft::net::queue_server::bind("127.0.0.1:0", {.key = ""}),
                    std::invalid_argument);
  });
}

TEST_CASE_ON_REAL_BACKENDS("a handshake that was recorded opens nothing") {
  with_queue_server<On>(plain, [](queue_place const& here) -> weft::task<> {
    co_await check_refusal(here, "has not got the key", [](auto at) -> weft::task<> {
      auto const good = co_await admitted(at);
      auto stream = co_await weft::net::connect(at.address());
      co_await hello_from(stream);
      auto const verdict = co_await verdict_on(stream, good.answer);
      CHECK(verdict[0] == std::byte{0});
      auto const rest = co_await rest_of(stream);
      CHECK(rest.empty());
    }(here));
  });
}

TEST_CASE_ON_REAL_BACKENDS("a server's own bytes, sent back to it, open nothing") {
  with_queue_server<On>(plain, [](queue_place const& here) -> weft::task<> {
    co_await check_refusal(here, "has not got the key", [](auto at) -> weft::task<> {
      auto stream = co_await weft::net::connect(at.address());
      auto const hello = co_await hello_from(stream);
      std::array<std::byte, handshake::answer_bytes> answer{};
      std::copy(hello.end() - 32, hello.end(), answer.begin());
      std::copy(hello.end() - 32, hello.end(), answer.begin() + 32);
      CHECK((co_await verdict_on(stream, answer))[0] == std::byte{0});
    }(here));
  });
}

TEST_CASE_ON_REAL_BACKENDS("a client talks to no server that has not got the key") {
  for (bool const says_hello : {true, false})
    run_on<On>([](bool knows_how) -> weft::task<> {
      auto listener = weft::net::tcp_listener::bind("127.0.0.1:0");
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        tasks.spawn([&]() -> weft::task<> {
          auto peer = co_await listener.accept();
          weft::detail::server_handshake const impostor("something else");
          std::string hello = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
          if (knows_how) hello = support::text_of(impostor.hello());
          co_await peer.write_all(support::bytes_of(hello));
          std::array<std::byte, handshake::answer_bytes> answer{};
          if (!knows_how) co_return;
          co_await weft::read_exactly(peer, answer);
          co_await peer.write_all(impostor.acceptance());
        });
        queue_client client(tasks, listener.local().to_string(), "tasks", {.key = "secret"});
        std::string why;
        try {
          co_await client.put(1);
        } catch (weft::net::authentication_error const& error) {
          why = error.what();
        }
        CHECK(why == (knows_how ? "weft: the queue server has not got the key itself"
                                : "weft: what answers there is no queue server"));
      });
    }(says_hello));
}

TEST_CASE_ON_REAL_BACKENDS("frames that are garbage, too large or cut short end their connection") {
  struct bad {
    std::string bytes;
    std::string_view why;
  };
  std::string const no_seal = std::string("\0\0\0\1", 4) + "x" + std::string(32, 's');
  for (auto const& [bytes, why] :
       {bad{std::string(100, '\xff'), "a frame of 4294967295 bytes"},
        bad{std::string("\x80\0\0\0", 4), "a frame of 2147483648 bytes"},
        bad{std::string("\0\x11\0\1", 4), "a frame of 1114113 bytes"},  // the limit is one less
        bad{no_seal, "frame 0 of a queue's connection is not authentic"}})
    with_queue_server<On>(plain, [&](queue_place const& here) -> weft::task<> {
      co_await check_refusal(here, why, say(here, bytes));
    });
}

TEST_CASE_ON_REAL_BACKENDS("a frame that comes again, or is left out, ends its connection") {
  with_queue_server<On>(plain, [](queue_place const& here) -> weft::task<> {
    co_await check_refusal(here, "frame 1 of a queue's connection is not authentic",
                           [](auto at) -> weft::task<> {
                             auto with = co_await admitted(at);
                             auto const depth = weft::detail::message_of(1, "depth", "tasks");
                             co_await send(with, depth);
                             with.sealer = weft::detail::frame_sealer(with.key);
                             co_await send(with, depth);
                             co_await rest_of(with.stream);
                           }(here));
  });
}

TEST_CASE_ON_REAL_BACKENDS("messages that mean nothing end their connection, whatever they count") {
  using weft::detail::message_of;
  std::string const huge_bin = "\xc6\xff\xff\xff\xff";
  std::string const huge_array = "\xdd\xff\xff\xff\xff";
  for (auto const& message :
       {std::string(), std::string("\xc1"), message_of(1), message_of(-1, "depth", "tasks"),
        message_of(1, 2, 3), message_of(1, "take", "tasks", -1), message_of(1, "take", "tasks"),
        message_of(1, "put", "tasks", true) + huge_array,
        message_of(1, "put", "tasks", true) + "\x91\x92" + huge_bin + huge_bin,
        message_of(1, "ack", "tasks") + huge_array, message_of(1, "extend", "tasks", "all"),
        std::string(1'000, '\x91')})
    with_queue_server<On>(plain, [&](queue_place const& here) -> weft::task<> {
      co_await check_refusal(here, "a queue's message", ask(here, message));
    });
}

TEST_CASE_ON_REAL_BACKENDS("numbers that are too large for anything are harmless") {
  with_queue_server<On>(plain, [](queue_place const& here) -> weft::task<> {
    using weft::detail::message_of;
    constexpr auto large = std::uint64_t{1} << 63;
    auto good = here.client();
    auto with = co_await admitted(here);
    co_await send(with, message_of(large, "fail", "tasks", std::pair(large, 1u), "why"));
    co_await send(with, message_of(large, "extend", "tasks", std::vector{std::pair(large, 1u)}));
    co_await send(with, message_of(large, "release", "tasks", std::vector{std::pair(large, 1u)}));
    co_await send(with, message_of(large, "cancel", "tasks"));
    co_await send(with, message_of(large, "nonsense", "tasks"));
    co_await send(with, message_of(large, "depth", std::string(256, 'n')));
    co_await check_that_all_is_well(good);
    co_await good.put(1);
    co_await send(with, message_of(large, "take", "tasks", UINT64_MAX));
    while ((co_await good.depth()).leased == 0) co_await weft::sleep_for(0s);
    with.stream.close();
    CHECK((co_await good.take())->delivery() == 2);
  });
}

TEST_CASE_ON_REAL_BACKENDS("who says nothing is cut off in time, and by those who come later") {
  with_queue_server<On>(
      {.key = queue_place::key, .handshake_timeout = 1s, .strangers_max = 8},
      [](queue_place const& here) -> weft::task<> {
        support::log_catcher const log;
        auto good = here.client();
        std::vector<tcp_stream> silent;
        for (int i = 0; i < 50; ++i) {
          silent.push_back(co_await weft::net::connect(here.address()));
          if (i % 10 == 5) co_await check_that_all_is_well(good);
        }
        auto late = here.client();
        co_await check_that_all_is_well(late);
        for (auto& each : silent) CHECK((co_await rest_of(each)).size() == handshake::hello_bytes);
        REQUIRE_FALSE(log.lines().empty());
        CHECK(log.lines()[0].find("too many others have not shown the key") != std::string::npos);
        CHECK(log.lines().size() < 10);  // of 50
        co_await check_that_all_is_well(good);
      });
}

TEST_CASE_ON_REAL_BACKENDS("strangers that come all at once are as many as the limit, no more") {
  with_queue_server<On>(
      {.key = queue_place::key, .handshake_timeout = 1h, .strangers_max = 8},
      [](queue_place const& here) -> weft::task<> {
        int cut_off = 0;
        co_await weft::scope([&](weft::task_scope& strangers) -> weft::task<> {
          for (int i = 0; i < 100; ++i)
            strangers.spawn([&]() -> weft::task<> {
              auto stream = co_await weft::net::connect(here.address());
              co_await rest_of(stream);
              ++cut_off;
            });
          while (cut_off < 92) co_await weft::sleep_for(1ms);
          auto good = here.client();
          co_await check_that_all_is_well(good);  // whose coming cuts off one more
          strangers.cancel();
        });
        CHECK(cut_off == 93);
      });
}
