// echo_load: against echo_server, and against servers that the test plays itself.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>
#include <utility>

#include "examples/served.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::example;
using support::program;

namespace {

// The number behind the name in JSON; -1 if there is none.
double number(std::string const& json, std::string const& name) {
  auto const at = json.find('"' + name + "\": ");
  if (at == std::string::npos) return -1;
  return std::strtod(json.c_str() + at + name.size() + 4, nullptr);
}

std::vector<std::string> against(std::uint16_t port, std::vector<std::string> further) {
  further.insert(further.end(), {"--port", std::to_string(port), "--json"});
  return further;
}

}  // namespace

TEST_CASE("a closed loop counts what an echo server answers") {
  for (auto const& backend : real_backends) {
    CAPTURE(backend);
    served const server("echo_server", backend);
    for (std::string const size : {"1", "64", "65536"}) {
      auto const ended = program(example("echo_load"),
                                 against(server.port(), {"--backend", backend, "--connections", "5",
                                                         "--seconds", "0.1", "--size", size}))
                             .wait();
      CHECK(ended.code == 0);
      CHECK(ended.err.empty());
      CHECK(ended.out.starts_with(R"({"loop": "closed", "connections": 5, "size": )" + size));
      CHECK(number(ended.out, "requests") > 0);
      CHECK(number(ended.out, "requests_per_second") > 0);
      CHECK(number(ended.out, "errors") == 0);
      CHECK(number(ended.out, "unanswered") == 0);
      CHECK(number(ended.out, "p50") > 0);
      CHECK(number(ended.out, "p99") >= number(ended.out, "p50"));
      CHECK(number(ended.out, "max") >= number(ended.out, "p99.9"));
    }
  }
}

TEST_CASE("an open loop makes as many requests as the rate says") {
  for (auto const& backend : real_backends) {
    CAPTURE(backend);
    served const server("echo_server", backend);
    std::vector<std::pair<std::string, int>> const rates{
        {"1", 1}, {"30", 3}, {"1000", 100}, {"999.9", 100}};
    for (auto const& [rate, in_a_tenth] : rates) {
      auto const ended = program(example("echo_load"),
                                 against(server.port(), {"--backend", backend, "--connections", "7",
                                                         "--seconds", "0.1", "--rate", rate}))
                             .wait();
      CHECK(ended.code == 0);
      CHECK(ended.err.empty());
      CHECK(ended.out.starts_with(R"({"loop": "open", )"));
      CHECK(number(ended.out, "requests") == in_a_tenth);
      CHECK(number(ended.out, "unanswered") == 0);
    }
  }
}

TEST_CASE("without JSON there is a small table") {
  served const server("echo_server", "epoll");
  auto const ended = program(example("echo_load"), {"--port", std::to_string(server.port()),
                                                    "--seconds", "0.1", "--rate", "100"})
                         .wait();
  CHECK(ended.code == 0);
  CHECK(ended.out.starts_with("requests    10\nerrors      0\nunanswered  0\nrequests/s  "));
  CHECK(ended.out.find("p50       p90       p99     p99.9       max\n") != std::string::npos);
}

TEST_CASE("latency counts from when a request was due, also while its connection is busy") {
  auto const listener = plain_socket::bind();
  listener.listen();
  program load(example("echo_load"), against(listener.port(), {"--connections", "1", "--rate",
                                                               "100", "--seconds", "0.2"}));
  auto server = listener.accept();
  auto data = server.some();
  std::this_thread::sleep_for(300ms);  // what is measured: a server that stalls
  for (; !data.empty(); data = server.some()) server.send(data);
  auto const ended = load.wait();
  CHECK(ended.code == 0);
  CHECK(number(ended.out, "requests") == 20);
  // The tenth was due at 90 ms and could not be answered before 300; sent, it took no time.
  CHECK(number(ended.out, "p50") >= 200'000);
  CHECK(number(ended.out, "max") >= 300'000);
}

TEST_CASE("wrong bytes are an error") {
  auto const listener = plain_socket::bind();
  listener.listen();
  program load(example("echo_load"), against(listener.port(), {"--connections", "1"}));
  auto server = listener.accept();
  auto data = server.some();
  server.send(data);
  data = server.some();
  data.back() ^= 1;
  server.send(data);
  auto const ended = load.wait();
  CHECK(ended.code == 1);
  CHECK(number(ended.out, "requests") == 1);
  CHECK(number(ended.out, "errors") == 1);
  CHECK(ended.err ==
        "echo_load: requests failed, 1 of them; the first: the answer differs from the request\n");
}

TEST_CASE("a connection that ends is an error, and what it was still to ask is unanswered") {
  auto const listener = plain_socket::bind();
  listener.listen();
  program load(example("echo_load"), against(listener.port(), {"--connections", "1", "--rate",
                                                               "1000", "--seconds", "0.01"}));
  listener.accept().some();
  auto const ended = load.wait();
  CHECK(ended.code == 1);
  CHECK(number(ended.out, "requests") == 0);
  CHECK(number(ended.out, "errors") == 1);
  CHECK(ended.err.starts_with("echo_load: requests failed, 1 of them; the first: "));
}

TEST_CASE("a server that cannot be reached is told in one line") {
  auto const nobody = plain_socket::bind();  // does not listen
  auto const port = std::to_string(nobody.port());
  auto const ended = program(example("echo_load"), {"--port", port}).wait();
  CHECK(ended.code == 1);
  CHECK(ended.out.empty());
  CHECK(ended.err == "connect 127.0.0.1:" + port + ": Connection refused\n");
}

TEST_CASE("Ctrl-C ends it early and prints what there is") {
  auto const listener = plain_socket::bind();
  listener.listen();
  program load(example("echo_load"), against(listener.port(), {"--connections", "1", "--size", "1",
                                                               "--seconds", "1000"}));
  auto server = listener.accept();
  for (int i = 0; i < 100; ++i) server.send(server.some());
  CHECK(server.some().size() == 1);  // and no answer
  load.signal(SIGINT);
  auto const ended = load.wait();
  CHECK(ended.code == 0);
  CHECK(ended.err.empty());
  CHECK(number(ended.out, "requests") == 100);
  CHECK(number(ended.out, "errors") == 0);
  CHECK(number(ended.out, "unanswered") == 1);
}
