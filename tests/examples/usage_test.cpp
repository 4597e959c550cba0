// What every example says when it is used wrongly: one line, and 2 for usage or 1 otherwise.
#include <algorithm>

#include "examples/plain_socket.hpp"
#include "support/program.hpp"

#include <doctest/doctest.h>

using support::example;
using support::program;

namespace {

using arguments = std::vector<std::string>;

// Yields the line.
std::string complaint_of(std::string const& name, arguments const& given, int code) {
  auto const ended = program(example(name), given).wait();
  CHECK(ended.code == code);
  CHECK(ended.out.empty());
  CHECK(std::ranges::count(ended.err, '\n') == 1);
  CHECK(ended.err.ends_with('\n'));
  return ended.err;
}

bool contains(std::string const& text, std::string const& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("bad usage is told in one line, with exit code 2") {
  std::vector<arguments> const of_all{
      {"--nonsense"},
      {"stray"},
      {"--port"},
      {"--port", "x"},
      {"--port", "-1"},
      {"--port", "65536"},
      {"--host", "x"},
      {"--host", "1.2.3"},
      {"--host", ""},
      {"--backend", "x"},
      {"--port", "1", "--port", "2"},
  };
  std::vector<arguments> const of_servers{
      {"--max-connections", "0"}, {"--max-connections", "-1"}, {"--max-connections", "many"}};
  std::vector<arguments> const of_line_server{
      {"--idle-timeout", "0"}, {"--idle-timeout", "-1"}, {"--idle-timeout", "nan"},
      {"--idle-timeout", "x"}, {"--line-limit", "0"},    {"--line-limit", "-1"},
  };
  std::vector<arguments> const of_echo_load{
      {"--connections", "0"}, {"--size", "0"}, {"--size", "65537"}, {"--seconds", "0"},
      {"--seconds", "inf"},   {"--rate", "0"}, {"--rate", "quick"}, {"--json=5"},
  };
  auto const check = [](std::string const& name, std::vector<arguments> const& usages) {
    for (auto const& given : usages) {
      CAPTURE(name);
      CAPTURE(given.front());
      CAPTURE(given.back());
      auto const complaint = complaint_of(name, given, 2);
      CHECK(complaint.starts_with(name + ": "));
      CHECK(contains(complaint, given.front().substr(0, given.front().find('='))));
    }
  };
  for (std::string const name : {"echo_server", "line_server", "echo_load"}) check(name, of_all);
  for (std::string const name : {"echo_server", "line_server"}) check(name, of_servers);
  check("line_server", of_line_server);
  check("echo_load", of_echo_load);
}

TEST_CASE("help is no error, and names every option") {
  for (std::string const name : {"echo_server", "line_server", "echo_load"}) {
    auto const ended = program(example(name), {"--help"}).wait();
    CHECK(ended.code == 0);
    CHECK(ended.err.empty());
    for (std::string const option : {"--port", "--host", "--backend"})
      CHECK(contains(ended.out, option));
  }
}

TEST_CASE("a server that cannot listen says so in one line, with exit code 1") {
  auto const taken = plain_socket::bind();
  taken.listen();
  auto const port = std::to_string(taken.port());
  for (std::string const name : {"echo_server", "line_server"}) {
    CAPTURE(name);
    CHECK(complaint_of(name, {"--port", port}, 1) ==
          "bind 127.0.0.1:" + port + ": Address already in use\n");
    // An address that is set aside for documentation (RFC 5737), so no machine has it.
    CHECK(complaint_of(name, {"--host", "203.0.113.1", "--port", "0"}, 1) ==
          "bind 203.0.113.1:0: Cannot assign requested address\n");
  }
}

TEST_CASE("hello runs to its end") {
  auto const ended = program(example("hello"), {}).wait();
  CHECK(ended.code == 0);
  CHECK(ended.err.empty());
  CHECK(ended.out.starts_with("hello from "));
}
