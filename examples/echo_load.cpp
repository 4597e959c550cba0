// echo_load: puts load on an echo server, checks what comes back, and tells how long it took.
//
// Without --rate the loop is closed: each connection sends its next request when the last one has
// been answered, and the latency is that of the answer. With --rate it is open: requests are due at
// fixed times, in turn on each connection, whether or not the server keeps up. One that is due
// while its connection is busy waits for it, and all that waiting is latency, since it is counted
// from when the request was due. (Counted from the sending, a server that stalls would look fast.)
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <weft/net.hpp>
#include <weft/weft.hpp>

#include "command_line.hpp"

using namespace std::chrono_literals;
namespace net = weft::net;
using time_point = weft::clock::time_point;

namespace {

struct arguments {
  std::string host = "127.0.0.1";
  std::uint16_t port = 7000;
  weft::backend_kind backend = weft::backend_kind::automatic;
  std::size_t connections = 50;
  std::size_t size_bytes = 64;
  double seconds = 5;
  double rate = 0;  // requests a second, of all connections together; 0: closed loop
  bool json = false;
};

// How long connecting may take, and how long answers are waited for after the last request was due.
constexpr auto patience = 5s;

struct results {
  weft::duration_histogram<7> latency;  // of requests that were answered, with the right bytes
  std::uint64_t begun = 0;              // requests sent, or due
  std::uint64_t errors = 0;             // requests that failed
  std::string first_error;              // what the first of them failed with
  std::chrono::nanoseconds ran{};       // until the last answer
  bool interrupted = false;

  // Those still waiting at the end: for their answer, or for their turn.
  [[nodiscard]] std::uint64_t unanswered() const { return begun - latency.count() - errors; }
};

// ---- The load.

// When the requests of an open loop are due. What is due and not sent needs no queue: it is known
// from the numbers.
struct schedule {
  time_point start;
  double rate;

  [[nodiscard]] time_point due(std::uint64_t number) const {
    return start + from_seconds(static_cast<double>(number) / rate);
  }

  // How many are due before that instant.
  [[nodiscard]] std::uint64_t count_before(time_point instant) const {
    std::chrono::duration<double> const passed = instant - start;
    auto count = static_cast<std::uint64_t>(std::max(passed.count() * rate, 0.0));  // or one off
    while (count > 0 && due(count - 1) >= instant) --count;
    while (due(count) < instant) ++count;
    return count;
  }
};

// One connection: the requests `number`, `number` + connections, ... of the load.
class client {
 public:
  client(net::tcp_stream&& server, std::size_t number, arguments const& given, results& all)
      : server_(std::move(server)),
        number_(number),
        given_(given),
        all_(all),
        request_(given.size_bytes),
        answer_(given.size_bytes) {
    for (std::size_t i = 0; i < request_.size(); ++i)
      request_[i] = static_cast<std::byte>(number * 131 + i * 31);
  }

  weft::task<> run(time_point start, time_point end) {
    try {
      if (given_.rate > 0)
        co_await run_open({start, given_.rate}, end);
      else
        co_await run_closed(end);
    } catch (std::exception const& error) {
      // The connection is gone, and the requests it was still to make remain unanswered.
      ++all_.errors;
      if (all_.first_error.empty()) all_.first_error = error.what();
    }
  }

 private:
  weft::task<> run_closed(time_point end) {
    for (auto now = weft::now(); now < end; now = weft::now()) {
      ++all_.begun;
      co_await ask();
      all_.latency.add(weft::now() - now);
    }
  }

  weft::task<> run_open(schedule requests, time_point end) {
    for (std::uint64_t number = number_; requests.due(number) < end; number += given_.connections) {
      auto const due = requests.due(number);
      if (due > weft::now()) co_await weft::sleep_until(due);
      co_await ask();
      all_.latency.add(weft::now() - due);
    }
  }

  // Sends a request unlike the one before, and takes the answer.
  weft::task<> ask() {
    ++asked_;
    std::memcpy(request_.data(), &asked_, std::min(sizeof asked_, request_.size()));
    co_await server_.write_all(request_);
    co_await weft::read_exactly(server_, answer_);
    if (answer_ != request_) throw std::runtime_error("the answer differs from the request");
  }

  net::tcp_stream server_;
  std::size_t number_;
  arguments const& given_;
  results& all_;
  std::vector<std::byte> request_;
  std::vector<std::byte> answer_;
  std::uint64_t asked_ = 0;
};

weft::task<net::tcp_stream> connect_to(net::endpoint server) {
  try {
    auto connected = co_await weft::with_timeout(patience, net::connect(server));
    connected.set_no_delay(true);
    co_return connected;
  } catch (weft::timed_out const&) {
    throw std::runtime_error(fmt::format("connect {}: no answer", server.to_string()));
  }
}

weft::task<> put_load(arguments const& given, results& all) {
  net::endpoint const server(net::address::parse(given.host), given.port);
  std::vector<client> clients;
  clients.reserve(given.connections);
  for (std::size_t number = 0; number < given.connections; ++number)
    clients.emplace_back(co_await connect_to(server), number, given, all);

  auto const start = weft::now();
  auto const end = start + from_seconds(given.seconds);
  bool const completed = co_await weft::until_stop([&]() -> weft::task<> {
    try {
      co_await weft::with_deadline(end + patience, [&]() -> weft::task<> {
        co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
          for (auto& each : clients) tasks.spawn(each.run(start, end));
          co_return;
        });
      });
    } catch (weft::timed_out const&) {}  // what is left counts as unanswered
  });
  all.interrupted = !completed;
  all.ran = weft::now() - start;
  if (given.rate > 0)
    all.begun = schedule{start, given.rate}.count_before(std::min(start + all.ran + 1ns, end));
}

// ---- What is printed.

double seconds_of(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

void print(arguments const& given, results const& all) {
  auto const us = [&](double percent) { return seconds_of(all.latency.percentile(percent)) * 1e6; };
  double const max = seconds_of(all.latency.max()) * 1e6;
  double const a_second = static_cast<double>(all.latency.count()) / seconds_of(all.ran);
  if (given.json) {
    fmt::print(
        R"({{"loop": "{}", "connections": {}, "size": {}, "seconds": {:.3f}, "requests": {}, )"
        R"("errors": {}, "unanswered": {}, "requests_per_second": {:.1f}, "latency_us": )"
        R"({{"p50": {:.1f}, "p90": {:.1f}, "p99": {:.1f}, "p99.9": {:.1f}, "max": {:.1f}}}}})"
        "\n",
        given.rate > 0 ? "open" : "closed", given.connections, given.size_bytes,
        seconds_of(all.ran), all.latency.count(), all.errors, all.unanswered(), a_second, us(50),
        us(90), us(99), us(99.9), max);
    return;
  }
  fmt::print("requests    {}\nerrors      {}\nunanswered  {}\nrequests/s  {:.0f}\n\n",
             all.latency.count(), all.errors, all.unanswered(), a_second);
  fmt::print("{:<10}{:>10}{:>10}{:>10}{:>10}{:>10}\n", "latency", "p50", "p90", "p99", "p99.9",
             "max");
  fmt::print("{:<10}{:>10.1f}{:>10.1f}{:>10.1f}{:>10.1f}{:>10.1f}\n", "us", us(50), us(90), us(99),
             us(99.9), max);
}

// Yields the exit code.
weft::task<int> measure(arguments given) {
  results all{};
  co_await put_load(given, all);
  print(given, all);
  if (all.errors > 0)
    fmt::print(stderr, "echo_load: requests failed, {} of them; the first: {}\n", all.errors,
               all.first_error);
  else if (all.unanswered() > 0 && !all.interrupted)
    fmt::print(stderr, "echo_load: {} of {} requests were not answered in time\n", all.unanswered(),
               all.begun);
  co_return all.errors > 0 || (all.unanswered() > 0 && !all.interrupted) ? 1 : 0;
}

}  // namespace

int main(int count, char** values) {
  arguments given;
  command_line app("Puts load on an echo server and measures it.", "echo_load");
  app.add_option("--port", given.port, "where the server listens (7000)");
  app.add_option("--host", given.host, "its address (127.0.0.1)", must_be_an_address());
  app.add_backend_option(given.backend);
  app.add_option("--connections", given.connections, "how many (50)",
                 must_be_between(1, 1'000'000));
  // More may fill both directions while nobody reads.
  app.add_option("--size", given.size_bytes, "bytes of a request, at most 65536 (64)",
                 must_be_between(1, 65'536));
  app.add_option("--seconds", given.seconds, "how long (5)", must_be_a_number());
  app.add_option("--rate", given.rate, "requests a second; else as many as there are answers",
                 must_be_a_number());
  app.add_flag("--json", given.json, "print JSON");
  if (auto const code = app.parse(count, values)) return *code;
  return weft::run_main(measure(given), {.backend = given.backend});
}
