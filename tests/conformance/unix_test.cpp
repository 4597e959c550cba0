// Unix streams and listeners: what they have besides what all connected sockets have.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/every_point.hpp"
#include "support/streams.hpp"
#include "support/temporary_directory.hpp"
#include "weft/net.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::bytes_of;
using support::next_text;
using support::pattern;
using support::read_to_end;
using support::run_on;
using support::text_of;
using weft::net::unix_address;
using weft::net::unix_listener;
using weft::net::unix_stream;

namespace {

// Whether the other end of a pipe is the one that was passed.
weft::task<bool> reaches(weft::descriptor& to, weft::descriptor& from) {
  co_await to.write_some(bytes_of("through"));
  std::array<std::byte, 16> room{};
  std::size_t const count = co_await from.read_some(room);
  co_return text_of(room, count) == "through";
}

bool closes_on_exec(int fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

// Leaves the file of a listener that is gone.
void leave_stale(std::string const& path) {
  int const fd = unix_listener::bind(path).release();
  ::close(fd);
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("a client reaches a listener at a path, and at an abstract name") {
  run_on<On>([]() -> weft::task<> {
    support::temporary_directory const here;
    for (auto const& at : {unix_address::path(here / "service"), unix_address()}) {
      auto listener = unix_listener::bind(at);
      CHECK((at.is_unnamed() ? listener.local().is_abstract() : listener.local() == at));
      auto near = co_await weft::net::connect(listener.local());
      auto far = co_await listener.accept();
      CHECK(near.peer() == listener.local());
      CHECK(far.local() == listener.local());
      CHECK(far.peer().is_unnamed());
      co_await near.write_all(bytes_of("hello"));
      CHECK(co_await next_text(far) == "hello");
      near.close();
      CHECK_FALSE(co_await far.read());
      auto const written = co_await weft::as_result(far.write_some(bytes_of("x")));
      CHECK(written.error() == std::errc::broken_pipe);
    }
  }());
}

TEST_CASE_ON_EVERY_BACKEND("who is at the other end is told") {
  run_on<On>([]() -> weft::task<> {
    auto listener = unix_listener::bind(unix_address());
    auto near = co_await weft::net::connect(listener.local());
    auto far = co_await listener.accept();
    weft::net::credentials const us{.pid = ::getpid(), .uid = ::getuid(), .gid = ::getgid()};
    CHECK(near.peer_credentials() == us);
    CHECK(far.peer_credentials() == us);
    far.close();
    CHECK_THROWS_AS(static_cast<void>(far.peer_credentials()), std::system_error);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("connecting where nobody listens fails, by name") {
  run_on<On>([]() -> weft::task<> {
    support::temporary_directory const here;
    leave_stale(here / "stale");
    for (auto const& [name, error] : {std::pair("nothing", std::errc::no_such_file_or_directory),
                                      std::pair("stale", std::errc::connection_refused)}) {
      auto const before = support::open_descriptors();
      try {
        co_await weft::net::connect(unix_address::path(here / name));
        FAIL("somebody was there");
      } catch (std::system_error const& failure) {
        CHECK(failure.code() == error);
        CHECK(std::string(failure.what()).starts_with("connect " + here / name + ": "));
      }
      CHECK(support::open_descriptors() == before);
    }
  }());
}

TEST_CASE_ON_EVERY_BACKEND("connecting waits while the backlog is full") {
  run_on<On>([]() -> weft::task<> {
    auto listener = unix_listener::bind(unix_address(), {.backlog = 0});
    auto const at = listener.local();
    auto first = co_await weft::net::connect(at);
    auto const before = support::open_descriptors();
    CHECK_THROWS_AS(co_await weft::with_timeout(30ms, weft::net::connect(at)), weft::timed_out);
    CHECK(support::open_descriptors() == before);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const second = tasks.spawn(weft::net::connect(at));
      co_await weft::sleep_for(5ms);
      auto const accepted = co_await listener.accept();
      auto connected = co_await second;
      auto far = co_await listener.accept();
      co_await connected.write_all(bytes_of("second"));
      CHECK(co_await next_text(far) == "second");
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a connect in a cancelled scope does not begin") {
  run_on<On>([]() -> weft::task<> {
    auto listener = unix_listener::bind(unix_address());
    bool reached = false;
    co_await weft::cancellable([&](weft::cancel_scope& scope) -> weft::task<> {
      scope.cancel();
      co_await weft::net::connect(listener.local());
      reached = true;
    });
    CHECK_FALSE(reached);
    CHECK_THROWS_AS(co_await weft::with_timeout(1ms, listener.accept()), weft::timed_out);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a path that is in use is refused, and a stale file gives way") {
  run_on<On>([]() -> weft::task<> {
    support::temporary_directory const here;
    auto const path = here / "service";
    auto listener = unix_listener::bind(path);
    CHECK_THROWS_WITH(static_cast<void>(unix_listener::bind(path)),
                      ("bind " + path + ": Address already in use").c_str());
    auto const other = here / "datagrams";
    auto const datagrams = weft::net::unix_datagram::bind(other);
    CHECK_THROWS_WITH(static_cast<void>(unix_listener::bind(other)),
                      ("bind " + other + ": Address already in use").c_str());
    CHECK(std::filesystem::exists(path));
    CHECK(std::filesystem::exists(other));

    leave_stale(here / "stale");
    CHECK_THROWS_AS(static_cast<void>(unix_listener::bind(here / "stale", {.remove_stale = false})),
                    std::system_error);
    auto const taken = unix_listener::bind(here / "stale");
    auto const near = co_await weft::net::connect(taken.local());
    CHECK(near);

    std::string const name = here / "file";
    ::close(::creat(name.c_str(), 0600));
    CHECK_THROWS_AS(static_cast<void>(unix_listener::bind(name)), std::system_error);
    CHECK(std::filesystem::is_regular_file(name));
  }());
}

TEST_CASE_ON_EVERY_BACKEND("a listener removes the file that it made, and no other") {
  run_on<On>([]() -> weft::task<> {
    support::temporary_directory const here;
    auto const path = here / "service";
    auto listener = unix_listener::bind(path);
    auto moved = std::move(listener);
    CHECK(std::filesystem::exists(path));
    moved.close();
    CHECK_FALSE(std::filesystem::exists(path));
    { auto const dropped = unix_listener::bind(path); }
    CHECK_FALSE(std::filesystem::exists(path));
    moved = unix_listener::bind(path);
    moved = unix_listener::bind(here / "other");
    CHECK_FALSE(std::filesystem::exists(path));

    int const fd = moved.release();
    CHECK(std::filesystem::exists(here / "other"));
    { auto const adopted = unix_listener::adopt(fd); }
    CHECK(std::filesystem::exists(here / "other"));

    listener = unix_listener::bind(path);
    std::filesystem::remove(path);
    auto const successor = unix_listener::bind(path);
    listener.close();
    CHECK(std::filesystem::exists(path));
    co_return;
  }());
}

TEST_CASE_ON_EVERY_BACKEND("the permissions of the file are as asked for") {
  run_on<On>([]() -> weft::task<> {
    support::temporary_directory const here;
    auto const listener = unix_listener::bind(here / "service", {.permissions = 0600});
    struct stat found{};
    CHECK(::stat((here / "service").c_str(), &found) == 0);
    CHECK((found.st_mode & 07777) == 0600);
    co_return;
  }());
}

TEST_CASE_ON_EVERY_BACKEND("an accept that is cancelled or closed leaves the queue as it is") {
  run_on<On>([]() -> weft::task<> {
    auto listener = unix_listener::bind(unix_address());
    CHECK_THROWS_AS(co_await weft::with_timeout(1ms, listener.accept()), weft::timed_out);
    auto near = co_await weft::net::connect(listener.local());
    auto far = co_await listener.accept();
    CHECK(far);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const ended = tasks.spawn([&]() -> weft::task<std::error_code> {
        auto const got = co_await weft::as_result(listener.accept());
        co_return got.error();
      });
      co_await weft::sleep_for(1ms);
      listener.close();
      CHECK(co_await ended == std::errc::operation_canceled);
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("descriptors arrive with the bytes they were sent with, and are owned") {
  auto const before = support::open_descriptors();
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = unix_stream::pair();
    auto first = weft::make_pipe();
    auto second = weft::make_pipe();
    std::array const passed{first.read.get(), second.read.get()};
    std::array<std::byte, 16> room{};
    std::array<weft::descriptor, 3> places;
    co_await near.send_descriptors(bytes_of("two"), passed);
    auto const got = co_await far.receive_descriptors(room, places);
    CHECK(text_of(room, got.size) == "two");
    REQUIRE(got.count == 2);
    CHECK_FALSE(got.descriptors_lost);
    CHECK((places[0] && places[1] && !places[2]));
    CHECK((closes_on_exec(places[0].get()) && closes_on_exec(places[1].get())));
    CHECK(co_await reaches(first.write, places[0]));
    CHECK(co_await reaches(second.write, places[1]));

    // The next ones wait to be sent, and take the places of those.
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        auto const next = co_await far.receive_descriptors(room, places);
        CHECK(text_of(room, next.size) == "one");
        REQUIRE(next.count == 1);
        CHECK(co_await reaches(second.write, places[0]));
        CHECK(places[1]);
      });
      co_await weft::yield();
      co_await near.send_descriptors(bytes_of("one"), std::span(passed).last(1));
    });
    near.close();
    auto const end = co_await far.receive_descriptors(room, places);
    CHECK(end.size == 0);
    CHECK(end.count == 0);
  }());
  CHECK(support::open_descriptors() == before);
}

TEST_CASE_ON_EVERY_BACKEND("credentials and descriptors pass between two processes") {
  auto listener = unix_listener::bind(unix_address());
  pid_t const parent = ::getpid();
  pid_t const child = ::fork();
  if (child ==
      0) {  // says its process id into the pipe that it is sent, if that is from its parent
    run_on<On>([&]() -> weft::task<> {
      auto stream = co_await weft::net::connect(listener.local());
      std::array<std::byte, 16> room{};
      std::array<weft::descriptor, 1> pipe;
      auto const got = co_await stream.receive_descriptors(room, pipe);
      bool const is_right = text_of(room, got.size) == "yours" && got.count == 1 &&
                            stream.peer_credentials().pid == parent;
      if (is_right) co_await pipe[0].write_some(bytes_of(std::to_string(::getpid())));
    }());
    ::_exit(0);
  }
  auto pipe = weft::make_pipe();
  run_on<On>([&]() -> weft::task<> {
    auto stream = co_await listener.accept();
    CHECK(stream.peer_credentials().pid == child);
    std::array const passed{pipe.write.get()};
    co_await stream.send_descriptors(bytes_of("yours"), passed);
    pipe.write.close();
    std::array<std::byte, 16> room{};
    auto const said = co_await pipe.read.read_some(room);
    CHECK(text_of(room, said) == std::to_string(child));
  }());
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
}

TEST_CASE_ON_EVERY_BACKEND("descriptors without a place are closed, and that is told") {
  auto const before = support::open_descriptors();
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = unix_stream::pair();
    auto pipe = weft::make_pipe();
    std::vector<int> const passed(20, pipe.write.get());
    std::array<std::byte, 16> room{};
    auto const open = support::open_descriptors();
    for (std::size_t const wanted : {0, 1, 2, 19}) {
      std::vector<weft::descriptor> places(wanted);
      co_await near.send_descriptors(bytes_of("x"), passed);
      auto const got = co_await far.receive_descriptors(room, places);
      CHECK(got.size == 1);
      CHECK(got.count == wanted);
      CHECK(got.descriptors_lost);
      CHECK(support::open_descriptors() == open + wanted);
    }
    // Reads that know nothing of descriptors leave none behind, and go on after them.
    for (char const* const text : {"a", "b", "c"})
      co_await near.send_descriptors(bytes_of(text), passed);
    std::string all;
    while (all.size() < 3) all += co_await next_text(far);
    CHECK(all == "abc");
    CHECK(support::open_descriptors() == open);
  }());
  CHECK(support::open_descriptors() == before);
}

TEST_CASE_ON_EVERY_BACKEND("a short read before descriptors does not hide what follows") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = unix_stream::pair();
    auto pipe = weft::make_pipe();
    std::array const passed{pipe.write.get()};
    std::array<std::byte, 16> room{};
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {  // waits, so that the backend knows the socket
        CHECK(co_await far.read_some(room) == 4);
        CHECK(co_await weft::with_timeout(10s, far.read_some(room)) == 5);
      });
      co_await weft::yield();
      co_await near.send_descriptors(bytes_of("with"), passed);
      co_await near.write_all(bytes_of("after"));
    });
  }());
}

TEST_CASE_ON_EVERY_BACKEND("what descriptors come with is all written, or said how far") {
  auto const before = support::open_descriptors();
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = unix_stream::pair();
    auto pipe = weft::make_pipe();
    std::array const passed{pipe.write.get()};
    std::string const much = pattern(4 << 20);
    std::string got;
    weft::net::traffic counted;
    near.count_in(counted);
    far.count_in(counted);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        std::vector<std::byte> room(1 << 16);
        std::array<weft::descriptor, 2> places;
        auto const first = co_await far.receive_descriptors(room, places);
        CHECK(first.count == 1);
        got = text_of(room, first.size) + co_await read_to_end(far);
      });
      co_await near.send_descriptors(bytes_of(much), passed);
      near.shutdown_write();
    });
    CHECK((got == much));
    CHECK(counted.bytes_written == much.size());
    CHECK(counted.bytes_read == much.size());

    std::size_t done = 0;
    try {
      co_await weft::with_timeout(5ms, far.send_descriptors(bytes_of(much), passed));
      FAIL("it cannot all have fitted");
    } catch (weft::timed_out const& late) {
      done = late.bytes_done();
    }
    CHECK(done > 0);
    CHECK_THROWS_AS(co_await far.send_descriptors(bytes_of("x"), passed), std::logic_error);
  }());
  CHECK(support::open_descriptors() == before);  // what lies in the socket is nobody's any more
}

TEST_CASE_ON_EVERY_BACKEND("what cannot be passed is refused before anything is sent") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = unix_stream::pair();
    std::vector<int> const many(254, near.get());
    CHECK_THROWS_AS(static_cast<void>(near.send_descriptors(bytes_of("x"), many)),
                    std::invalid_argument);
    CHECK_THROWS_AS(
        static_cast<void>(near.send_descriptors(bytes_of(""), std::span(many).first(1))),
        std::invalid_argument);
    std::array const closed{-1};
    CHECK_THROWS_AS(co_await near.send_descriptors(bytes_of("x"), closed), weft::transfer_error);
    co_await near.send_descriptors(bytes_of("fits"), std::span(many).first(253));
    std::array<std::byte, 16> room{};
    std::vector<weft::descriptor> places(300);
    auto const got = co_await far.receive_descriptors(room, places);
    CHECK(got.count == 253);
    CHECK(text_of(room, got.size) == "fits");
  }());
}

TEST_CASE_ON_EVERY_BACKEND("without a free descriptor the bytes arrive, and the loss is told") {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  run_on<On>([&]() -> weft::task<> {
    auto [near, far] = unix_stream::pair();
    std::array const passed{near.get(), near.get()};
    co_await near.send_descriptors(bytes_of("bytes"), passed);
    std::array<std::byte, 16> room{};
    std::array<weft::descriptor, 2> places;
    rlimit none = before;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_NOFILE, &none);
    auto const got = co_await weft::as_result(far.receive_descriptors(room, places));
    ::setrlimit(RLIMIT_NOFILE, &before);
    REQUIRE(got);
    CHECK(got.value().size == 5);
    CHECK(got.value().count == 0);
    CHECK(got.value().descriptors_lost);
  }());
}

TEST_CASE_ON_EVERY_BACKEND("passing descriptors may be cancelled at any suspension") {
  int const rounds = support::cancel_at_every_point<On>([]() -> weft::task<> {
    auto listener = unix_listener::bind(unix_address());
    auto pipe = weft::make_pipe();
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        auto far = co_await listener.accept();
        std::array<std::byte, 16> room{};
        std::array<weft::descriptor, 1> places;
        for (int i = 0; i < 3; ++i) {
          auto const got = co_await far.receive_descriptors(room, places);
          support::expect(got.count == 1 && places[0]);
        }
      });
      auto near = co_await weft::net::connect(listener.local());
      std::array const passed{pipe.write.get()};
      for (int i = 0; i < 3; ++i) {
        co_await weft::yield();
        co_await near.send_descriptors(bytes_of("x"), passed);
        co_await weft::sleep_for(1ms);
      }
    });
  });
  CHECK(rounds > 5);
}

TEST_CASE_ON_EVERY_BACKEND("a cancelled receive of descriptors takes none") {
  run_on<On>([]() -> weft::task<> {
    auto [near, far] = unix_stream::pair();
    std::array const passed{near.get()};
    std::array<std::byte, 16> room{};
    std::array<weft::descriptor, 1> places;
    CHECK_THROWS_AS(co_await weft::with_timeout(1ms, far.receive_descriptors(room, places)),
                    weft::timed_out);
    co_await near.send_descriptors(bytes_of("kept"), passed);
    auto const got = co_await far.receive_descriptors(room, places);
    CHECK(got.count == 1);
    CHECK(text_of(room, got.size) == "kept");
  }());
}
