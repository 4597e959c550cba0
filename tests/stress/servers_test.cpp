// A server over a long time and under duress, its clients in another process.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <functional>
#include <thread>
#include <vector>

#include "support/backends.hpp"
#include "support/program.hpp"
#include "support/sanitized.hpp"
#include "weft/log.hpp"
#include "weft/net.hpp"
#include "weft/weft.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::run_on;
using weft::net::tcp_listener;
using weft::net::tcp_stream;

namespace {

// ---- The clients: plain blocking calls, in a process of their own.

// Fails the client, and with it the test.
void require(bool holds, char const* what) {
  if (holds) return;
  std::perror(what);
  ::_exit(1);
}

// `source` picks one of many addresses of this machine, so that ports do not run out.
int open_connection(std::uint16_t port, unsigned source = 0) {
  int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  require(fd >= 0, "socket");
  int const on = 1;
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(0x7f000001 + source);
  require(::bind(fd, reinterpret_cast<sockaddr*>(&from), sizeof from) == 0, "bind");
  sockaddr_in to = from;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(port);
  require(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0, "connect");
  return fd;
}

void ask(int fd) { require(::send(fd, "x", 1, MSG_NOSIGNAL) == 1, "send"); }

void get_answer(int fd) {
  char byte = 0;
  require(::recv(fd, &byte, 1, 0) == 1 && byte == 'x', "recv");
}

// Two pipes between the clients and the server: "I am here" and "go on".
struct rendezvous {
  std::array<int, 2> here{};
  std::array<int, 2> go_on{};

  rendezvous() {
    REQUIRE(::pipe2(here.data(), O_CLOEXEC) == 0);
    REQUIRE(::pipe2(go_on.data(), O_CLOEXEC) == 0);
  }
  ~rendezvous() {
    for (int const fd : {here[0], here[1], go_on[0], go_on[1]}) ::close(fd);
  }
  rendezvous(rendezvous const&) = delete;
  rendezvous& operator=(rendezvous const&) = delete;

  void meet() const {  // the clients
    char byte = 0;
    require(::write(here[1], "h", 1) == 1 && ::read(go_on[0], &byte, 1) == 1, "meet");
  }
  // Not a method that waits in the loop's way: the descriptors are borrowed.
  weft::task<> meet_clients() const {
    co_await weft::readable(here[0]);
    char byte = 0;
    REQUIRE(::read(here[0], &byte, 1) == 1);
  }
  void let_go_on() const { REQUIRE(::write(go_on[1], "g", 1) == 1); }
};

// Forks the clients, or another part; it must end with 0 when the server's task has ended.
class clients {
 public:
  explicit clients(std::function<void()> const& run) : process_(::fork()) {
    if (process_ != 0) return;
    run();
    ::_exit(0);
  }
  ~clients() {
    if (process_ > 0) ::waitpid(process_, nullptr, 0);
  }
  clients(clients const&) = delete;
  clients& operator=(clients const&) = delete;

  void end() {
    int status = -1;
    ::waitpid(std::exchange(process_, -1), &status, 0);
    CHECK(status == 0);
  }

 private:
  pid_t process_;
};

// Yields what the function yields in a process of its own: memory that an earlier test has freed is
// shared with the parent there until it is written, so that its use shows.
double in_child(std::function<double()> const& run) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  clients child([&] {
    double const result = run();
    require(::write(ends[1], &result, sizeof result) == sizeof result, "write");
  });
  ::close(ends[1]);
  double result = 0;
  REQUIRE(::read(ends[0], &result, sizeof result) == sizeof result);
  ::close(ends[0]);
  child.end();
  return result;
}

// ---- The server.

weft::task<> echo(tcp_stream peer) {
  while (weft::buffer data = co_await peer.read()) co_await peer.write_all(data);
}

struct resident_memory {
  std::size_t all;       // bytes
  std::size_t private_;  // those that no file backs
};

resident_memory resident_now() {
  std::size_t total = 0;
  std::size_t resident = 0;
  std::size_t shared = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  REQUIRE(std::fscanf(file, "%zu %zu %zu", &total, &resident, &shared) == 3);
  std::fclose(file);
  auto const page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return {resident * page, (resident - shared) * page};
}

double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

weft::task<> until_idle(weft::net::serve_statistics const& counted) {
  while (counted.active != 0) co_await weft::sleep_for(1ms);
}

// Runs the server until `watch` has ended.
template <class On>
void serve_while(tcp_listener& listener, weft::net::serve_statistics& counted,
                 std::function<weft::task<>()> const& watch) {
  run_on<On>([&]() -> weft::task<> {
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn(weft::net::serve(listener, echo, {.statistics = &counted}));
      co_await watch();
      tasks.request_stop();
    });
  }());
}

void log_nothing(weft::log_level, std::string_view) noexcept {}

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("a million connections leave no byte and no descriptor behind") {
  constexpr int rounds = 10;
  constexpr int at_once = 50;
  constexpr int connections = support::is_sanitized ? 10'000 : 100'000;  // in a round
  auto listener = tcp_listener::bind("127.0.0.1:0");
  auto const port = listener.local().port();
  rendezvous const between;
  clients all([&] {
    std::array<int, at_once> open{};
    for (int round = 0; round < rounds; ++round) {
      for (int done = 0; done < connections; done += at_once) {
        auto const source = static_cast<unsigned>(round * connections + done) / 10'000;
        for (int& fd : open) ask(fd = open_connection(port, source));
        for (int const fd : open) get_answer(fd);
        for (int const fd : open) ::close(fd);
      }
      between.meet();
    }
  });
  weft::net::serve_statistics counted;
  std::vector<std::size_t> resident;
  std::vector<std::size_t> frames;
  std::vector<std::size_t> descriptors;
  serve_while<On>(listener, counted, [&]() -> weft::task<> {
    co_await weft::yield();
    frames.push_back(weft::detail::frame_bytes_in_use());
    descriptors.push_back(support::open_descriptors());
    for (int round = 0; round < rounds; ++round) {
      co_await between.meet_clients();
      co_await until_idle(counted);
      resident.push_back(resident_now().all);
      between.let_go_on();
    }
    frames.push_back(weft::detail::frame_bytes_in_use());
    descriptors.push_back(support::open_descriptors());
  });
  all.end();
  CHECK(counted.accepted == static_cast<std::uint64_t>(rounds) * connections);
  CHECK(counted.failed == 0);
  CHECK(frames.front() == frames.back());
  CHECK(descriptors.front() == descriptors.back());
  MESSAGE("resident after round 2: ", resident[1], " bytes, after round 10: ", resident[9]);
  if (!support::is_sanitized) CHECK(resident[9] * 100 <= resident[1] * 101);
}

// Yields the user memory that each of them takes, in bytes.
template <class On>
double memory_of_idle(int connections) {
  auto listener = tcp_listener::bind("127.0.0.1:0");
  auto const port = listener.local().port();
  support::raise_file_limit();
  rendezvous const between;
  clients all([&] {
    std::vector<int> open;
    for (int i = 0; i < connections; ++i) open.push_back(open_connection(port));
    between.meet();
    for (int const fd : open) ask(fd);
    for (int const fd : open) get_answer(fd);
  });
  weft::net::serve_statistics counted;
  std::size_t before = 0;
  std::size_t after = 0;
  serve_while<On>(listener, counted, [&]() -> weft::task<> {
    co_await weft::yield();
    before = resident_now().private_;
    co_await between.meet_clients();
    while (counted.accepted < static_cast<std::uint64_t>(connections))
      co_await weft::sleep_for(1ms);
    co_await weft::sleep_for(10ms);  // all of them read
    after = resident_now().private_;
    between.let_go_on();
    co_await until_idle(counted);
  });
  all.end();
  require(counted.failed == 0, "no connection fails");
  return static_cast<double>(after - before) / connections;
}

TEST_CASE_ON_REAL_BACKENDS("ten thousand idle connections take at most 512 bytes each") {
  constexpr int connections = support::is_sanitized ? 1'000 : 10'000;
  double const each = in_child([] { return memory_of_idle<On>(connections); });
  MESSAGE("user memory of an idle connection: ", each, " bytes");
  CHECK(each > 0);
  if (!support::is_sanitized) CHECK(each <= 512);
}

TEST_CASE_ON_REAL_BACKENDS("ten seconds without descriptors cost little, and end within one") {
  constexpr int room = 20;
  constexpr int connections = 100;
  auto const before_log = weft::set_log_hook(log_nothing);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  auto listener = tcp_listener::bind("127.0.0.1:0");
  auto const port = listener.local().port();
  rendezvous const between;
  clients all([&] {
    std::vector<int> open;
    for (int i = 0; i < connections; ++i) open.push_back(open_connection(port));
    std::this_thread::sleep_for(10s);
    between.meet();
    for (int i = 0; i < connections - 1; ++i) ::close(open[i]);
    auto const freed = std::chrono::steady_clock::now();
    ask(open.back());
    get_answer(open.back());
    require(std::chrono::steady_clock::now() - freed < 1s, "within a second");
  });
  weft::net::serve_statistics counted;
  double cpu = 0;
  serve_while<On>(listener, counted, [&]() -> weft::task<> {
    rlimit tight = before;
    tight.rlim_cur = support::open_descriptors() + room;
    ::setrlimit(RLIMIT_NOFILE, &tight);
    double const start = cpu_seconds();
    co_await between.meet_clients();
    cpu = cpu_seconds() - start;
    CHECK(counted.active > 0);
    CHECK(counted.active < connections);
    between.let_go_on();
    while (counted.accepted < connections) co_await weft::sleep_for(10ms);
    co_await until_idle(counted);
  });
  all.end();
  ::setrlimit(RLIMIT_NOFILE, &before);
  weft::set_log_hook(before_log);
  MESSAGE("CPU time in ten seconds: ", cpu, " s");
  CHECK(cpu < 0.5);
}

TEST_CASE_ON_REAL_BACKENDS("after SIGTERM under load every request that was sent is answered") {
  constexpr int connections = 50;
  auto listener = tcp_listener::bind("127.0.0.1:0");
  auto const port = listener.local().port();
  pid_t const server = ::fork();
  if (server == 0) {
    // The choice of the test's backend, but as a program: with signals and an exit code.
    ::setenv("WEFT_BACKEND", On::is<support::epoll>() ? "epoll" : "uring", 1);
    int const code = weft::run_main([](tcp_listener& from) -> weft::task<> {
      co_await weft::net::serve(from, echo, {.drain = 5s});
    }(listener));
    ::_exit(code);
  }
  listener.close();
  std::vector<int> open;
  for (int i = 0; i < connections; ++i) open.push_back(open_connection(port));
  int answered = 0;
  auto const begin = std::chrono::steady_clock::now();
  bool stopped = false;
  while (std::chrono::steady_clock::now() - begin < 2s) {
    for (int const fd : open) ask(fd);
    if (!stopped && std::chrono::steady_clock::now() - begin > 1s) {
      stopped = ::kill(server, SIGTERM) == 0;  // with all these requests on their way
    }
    for (int const fd : open) {
      get_answer(fd);
      ++answered;
    }
  }
  for (int const fd : open) ::close(fd);
  int status = -1;
  ::waitpid(server, &status, 0);
  CHECK(stopped);
  CHECK(answered % connections == 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
