// Unix datagrams: addresses, full receivers, descriptors and credentials.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/temporary_directory.hpp"
#include "weft/net.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::bytes_of;
using support::run_on;
using support::text_of;
using weft::net::unix_address;
using weft::net::unix_datagram;
using weft::net::unix_message;

namespace {

struct received {
  std::string text;
  unix_message message;
};

weft::task<received> receive_text(unix_datagram& from, std::size_t room = 2048) {
  std::vector<std::byte> buffer(room);
  auto message = co_await from.receive_from(buffer);
  co_return {text_of(buffer, message.size), message};
}

// Sends until the receiver has no room, and yields how many fitted.
int fill(int fd, unix_datagram const& receiver) {
  auto const to = weft::detail::to_sockaddr(receiver.local());
  int sent = 0;
  while (::sendto(fd, "fill", 4, MSG_DONTWAIT, to.get(), to.size) == 4) ++sent;
  return sent;
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("a datagram arrives with the address of its sender, and is answered") {
  run_on<On>([]() -> weft::task<> {
    support::temporary_directory const here;
    for (auto const& at : {unix_address::path(here / "service"), unix_address()}) {
      auto server = unix_datagram::bind(at);
      auto client = unix_datagram::bind(unix_address());
      co_await client.send_to(bytes_of("question"), server.local());
      auto const question = co_await receive_text(server);
      CHECK(question.text == "question");
      CHECK(question.message.from == client.local());
      CHECK_FALSE(question.message.sender);
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        tasks.spawn([&]() -> weft::task<> {  // it waits
          auto const answer = co_await receive_text(client);
          CHECK(answer.text == "answer");
          CHECK(answer.message.from == server.local());
        });
        co_await weft::yield();
        co_await server.send_to(bytes_of("answer"), question.message.from);
      });
      server.close();
      CHECK_FALSE(std::filesystem::exists(here / "service"));
    }
  }());
}

TEST_CASE_ON_EVERY_BACKEND("an empty datagram is a datagram, and what does not fit is told") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = unix_datagram::pair();
    co_await near.send(bytes_of(""));
    co_await near.send(bytes_of("longer"));
    co_await near.send(bytes_of("fits"));
    auto const empty = co_await receive_text(far);
    CHECK(empty.text.empty());
    CHECK(empty.message.from.is_unnamed());
    auto const cut = co_await receive_text(far, 4);
    CHECK(cut.text == "long");
    CHECK(cut.message.truncated);
    auto const whole = co_await receive_text(far, 4);
    CHECK(whole.text == "fits");
    CHECK_FALSE(whole.message.truncated);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a connected socket can be answered, and hears no others") {
  run_on<On>([]() -> weft::task<> {
    auto server = unix_datagram::bind(unix_address());
    auto client = unix_datagram::connect(server.local());
    CHECK(client.peer() == server.local());
    co_await client.send(bytes_of("question"));
    CHECK((co_await receive_text(server)).message.from == client.local());
    auto stranger = unix_datagram::bind(unix_address());
    auto const refused = co_await weft::as_result(stranger.send_to(bytes_of("x"), client.local()));
    CHECK(refused.error() == std::errc::operation_not_permitted);
    co_await server.send_to(bytes_of("answer"), client.local());
    std::array<std::byte, 16> room{};
    CHECK(co_await client.receive(room) == 6);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a receiver that is not there is an error, by name") {
  run_on<On>([]() -> weft::task<> {
    auto server = unix_datagram::bind(unix_address());
    auto const at = server.local();
    auto client = unix_datagram::connect(at);
    auto other = unix_datagram::bind(unix_address());
    server.close();
    auto const sent = co_await weft::as_result(client.send(bytes_of("x")));
    CHECK(sent.error() == std::errc::connection_refused);
    try {
      co_await other.send_to(bytes_of("x"), at);
      FAIL("somebody was there");
    } catch (std::system_error const& error) {
      CHECK(error.code() == std::errc::connection_refused);
      CHECK(std::string(error.what()).find(at.to_string()) != std::string::npos);
    }
    CHECK_THROWS_AS(static_cast<void>(unix_datagram::connect(at)), std::system_error);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("sending waits while the receiver is full, connected or not") {
  auto const before = support::open_descriptors();
  run_on<On>([]() -> weft::task<> {
    for (bool const connects : {true, false}) {
      auto receiver = unix_datagram::bind(unix_address());
      auto other = unix_datagram::bind(unix_address());
      auto sender =
          connects ? unix_datagram::connect(receiver.local()) : unix_datagram::bind(unix_address());
      auto const send = [&]() -> weft::task<> {
        if (connects)
          co_await sender.send(bytes_of("last"));
        else
          co_await sender.send_to(bytes_of("last"), receiver.local());
      };
      int const filled = fill(other.get(), receiver);
      REQUIRE(filled > 0);
      CHECK_THROWS_AS(co_await weft::with_timeout(5ms, send()), weft::timed_out);
      std::array<std::byte, 16> room{};
      co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
        auto const sending = tasks.spawn(send());
        co_await weft::sleep_for(1ms);
        for (int i = 0; i < filled; ++i) CHECK(co_await receiver.receive(room) == 4);
        co_await sending;
      });
      CHECK(co_await receiver.receive(room) == 4);
      CHECK(text_of(room, 4) == "last");
    }
  }());
  CHECK(support::open_descriptors() == before);
}

TEST_CASE_ON_EVERY_BACKEND("sending waits, without trying all the time, for its own buffer") {
  int resumes = 0;
  auto const send_much = []() -> weft::task<> {
    auto receiver = unix_datagram::bind(unix_address());
    auto sender = unix_datagram::bind(unix_address());
    sender.set_send_buffer_size(1);  // as little as can be
    std::string const text(1000, 'x');
    auto const to = weft::detail::to_sockaddr(receiver.local());
    int filled = 0;
    while (::sendto(sender.get(), text.data(), text.size(), MSG_DONTWAIT, to.get(), to.size) > 0)
      ++filled;
    REQUIRE(filled > 0);
    REQUIRE(filled < 5);  // the receiver takes more
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const sending = tasks.spawn(sender.send_to(bytes_of(text), receiver.local()));
      co_await weft::sleep_for(5ms);
      std::vector<std::byte> room(2000);
      for (int i = 0; i < filled; ++i) CHECK(co_await receiver.receive(room) == text.size());
      co_await sending;
      CHECK(co_await receiver.receive(room) == text.size());
    });
  };
  run_on<On>(send_much(), [&] { ++resumes; });
  CHECK(resumes < 30);
}

TEST_CASE_ON_EVERY_BACKEND(
    "sending waits for its receiver only, whatever others have not received") {
  run_on<On>([]() -> weft::task<> {
    auto receiver = unix_datagram::bind(unix_address());
    auto idle = unix_datagram::bind(unix_address());
    auto other = unix_datagram::bind(unix_address());
    auto sender = unix_datagram::bind(unix_address());
    // Over a quarter of its buffer, so poll(2) says that there is no room.
    co_await sender.send_to(bytes_of(std::string(100'000, 'x')), idle.local());
    fill(other.get(), receiver);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const sending =
          tasks.spawn(weft::with_timeout(10s, sender.send_to(bytes_of("last"), receiver.local())));
      co_await weft::sleep_for(1ms);
      std::array<std::byte, 16> room{};
      while (text_of(room, 4) != "last") co_await receiver.receive(room);
      co_await sending;
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("closing ends a send that waits for the receiver, and a receive") {
  run_on<On>([]() -> weft::task<> {
    auto receiver = unix_datagram::bind(unix_address());
    auto sender = unix_datagram::bind(unix_address());
    fill(sender.get(), receiver);
    std::array<std::byte, 16> room{};
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const sending =
          tasks.spawn(weft::as_result(sender.send_to(bytes_of("x"), receiver.local())));
      auto const receiving = tasks.spawn([&]() -> weft::task<std::error_code> {
        auto const got = co_await weft::as_result(sender.receive_from(room));
        co_return got.error();
      });
      co_await weft::sleep_for(1ms);
      sender.close();
      auto const sent = co_await sending;
      CHECK(sent.error() == std::errc::operation_canceled);
      CHECK(co_await receiving == std::errc::operation_canceled);
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("descriptors and credentials come with a datagram") {
  auto const before = support::open_descriptors();
  run_on<On>([]() -> weft::task<> {
    auto server = unix_datagram::bind(unix_address());
    server.set_receive_credentials(true);
    auto client = unix_datagram::connect(server.local());
    auto pipe = weft::make_pipe();
    std::vector<int> const passed(20, pipe.write.get());
    std::array<std::byte, 16> room{};
    auto const open = support::open_descriptors();
    for (std::size_t const wanted : {0, 1, 19, 30}) {
      for (bool const named : {false, true}) {
        std::vector<weft::descriptor> places(wanted);
        if (named)
          co_await client.send_to(bytes_of("with"), server.local(), passed);
        else
          co_await client.send_descriptors(bytes_of("with"), passed);
        auto const got = co_await server.receive_from(room, places);
        CHECK(text_of(room, got.size) == "with");
        CHECK(got.from == client.local());
        CHECK(got.count == std::min<std::size_t>(wanted, 20));
        CHECK(got.descriptors_lost == (wanted < 20));
        CHECK(got.sender ==
              weft::net::credentials{.pid = ::getpid(), .uid = ::getuid(), .gid = ::getgid()});
        CHECK(support::open_descriptors() == open + got.count);
      }
    }
    co_await client.send_descriptors(bytes_of(""), passed);  // an empty one may have some, too
    CHECK(co_await server.receive(room) == 0);
    CHECK(support::open_descriptors() == open);
  }());
  CHECK(support::open_descriptors() == before);
}

TEST_CASE_ON_EVERY_BACKEND("a cancelled receive takes no datagram") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = unix_datagram::pair();
    std::array<std::byte, 16> room{};
    CHECK_THROWS_AS(co_await weft::with_timeout(1ms, far.receive_from(room)), weft::timed_out);
    CHECK_THROWS_AS(co_await weft::with_timeout(1ms, far.receive(room)), weft::timed_out);
    co_await near.send(bytes_of("kept"));
    CHECK((co_await receive_text(far)).text == "kept");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("only a Unix datagram socket is adopted as one") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = unix_datagram::pair();
    auto again = unix_datagram::adopt(near.release());
    co_await again.send(bytes_of("again"));
    CHECK((co_await receive_text(far)).text == "again");
    for (int const domain : {AF_UNIX, AF_INET}) {
      int const kind = domain == AF_UNIX ? SOCK_STREAM : SOCK_DGRAM;
      int const fd = ::socket(domain, kind | SOCK_CLOEXEC, 0);
      CHECK_THROWS_AS(static_cast<void>(unix_datagram::adopt(fd)), std::system_error);
      CHECK(::close(fd) == 0);  // it is still ours
    }
  }());
}
