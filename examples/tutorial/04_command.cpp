// Tutorial, 4: other programs. nslookup is run once for its exit code, and once in a conversation.
// Where the system's nslookup gets no answer, ours takes its place, and asks a server of ours.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <weft/weft.hpp>

using namespace std::chrono_literals;
using weft::stdio;

// nslookup, with what makes it ask our server.
struct lookup {
  std::string program = "nslookup";
  std::vector<std::string> options;

  [[nodiscard]] weft::command with(std::vector<std::string> const& arguments) const {
    weft::command made(program);
    made.arguments(options).arguments(arguments);
    return made;
  }
};

weft::task<bool> is_answered(lookup asked) {
  try {
    auto const output = co_await weft::with_timeout(2s, asked.with({"www.python.org"}).output());
    co_return output.status.success();
  } catch (weft::timed_out const&) {
    co_return false;
  } catch (std::system_error const&) {  // it is not installed
    co_return false;
  }
}

weft::task<> talk(lookup asked, std::vector<std::string> server) {
  fmt::print("$ nslookup www.python.org\n");
  auto arguments = std::vector<std::string>{"www.python.org"};
  arguments.insert(arguments.end(), server.begin(), server.end());
  auto const status = co_await asked.with(arguments).status();
  fmt::print("Exit code: {}\n", status.exit_code());

  fmt::print("$ nslookup\n");
  if (!server.empty()) server.insert(server.begin(), "-");
  auto const said = co_await asked.with(server).communicate("set q=mx\npython.org\nexit\n");
  fmt::print("{}", said.out);
  fmt::print("Exit code: {}\n", said.status.exit_code());
}

weft::task<> app() {
  lookup const system;
  if (co_await is_answered(system)) {
    fmt::print("(with the system's nslookup)\n");
    co_await talk(system, {});
    co_return;
  }
  fmt::print("(with our nslookup and our server: the system's has no answer)\n");
  auto const here = std::filesystem::canonical("/proc/self/exe").parent_path();
  weft::command serve((here / "../dns_server").native());
  for (auto const* const zone : {"python.org.zone", "map.fastly.net.zone"})
    serve.argument("--zone").argument((here / zone).native());
  auto server = serve.argument("--port").argument("0").input_from(stdio::null()).spawn();
  weft::buffered_reader lines(server.output);
  auto const line = co_await lines.line();  // "listening on 127.0.0.1:40123 (io_uring)"
  if (!line) throw std::runtime_error("dns_server has not started");
  auto const from = line->rfind(':') + 1;
  lookup const ours{
      .program = here / "../nslookup",
      .options = {"-port=" + std::string(line->substr(from, line->find(" ", from) - from))}};
  co_await talk(ours, {"127.0.0.1"});
  server.terminate();
  co_await server.wait();
}

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return weft::run_main(app());
}
