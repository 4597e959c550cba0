// line_server: a small key-value server. It reads commands, one a line, and answers each with one:
//
//   SET key value   OK                     the value is the rest of the line
//   GET key         VALUE value            or NOT_FOUND
//   DEL key         OK                     or NOT_FOUND
//   QUIT            BYE                    and closes
//
// Anything else is answered with ERROR and what is wrong. All connections share one table, which
// needs no lock: one thread runs them all, and none gives way while it looks at the table.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <weft/net.hpp>
#include <weft/weft.hpp>

#include "command_line.hpp"

using namespace std::chrono_literals;
namespace net = weft::net;

namespace {

struct arguments {
  std::string host = "127.0.0.1";
  std::uint16_t port = 7000;
  weft::backend_kind backend = weft::backend_kind::automatic;
  std::size_t max_connections = std::numeric_limits<std::size_t>::max();
  double idle_timeout_seconds = 60;
  std::size_t line_limit_bytes = 4096;
};

using table = std::map<std::string, std::string, std::less<>>;

// ---- The commands.

// Takes the first word off the text, and the space behind it.
std::string_view take_word(std::string_view& text) {
  auto const word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(word.size() + 1, text.size()));
  return word;
}

std::string upper_case(std::string_view text) {
  std::string upper(text);
  std::ranges::transform(text, upper.begin(), [](unsigned char c) { return std::toupper(c); });
  return upper;
}

std::string answer(std::string_view line, table& values) {
  std::string const command = upper_case(take_word(line));
  if (command == "QUIT") return "BYE";
  if (command != "SET" && command != "GET" && command != "DEL") return "ERROR unknown command";
  auto const key = take_word(line);
  if (command == "SET") {
    if (key.empty() || line.empty()) return "ERROR SET takes a key and a value";
    values.insert_or_assign(std::string(key), std::string(line));
    return "OK";
  }
  if (key.empty() || !line.empty()) return "ERROR " + command + " takes a key";
  auto const found = values.find(key);
  if (found == values.end()) return "NOT_FOUND";
  if (command == "GET") return "VALUE " + found->second;
  values.erase(found);
  return "OK";
}

// ---- A connection.

class connection {
 public:
  connection(net::tcp_stream&& peer, table& values, arguments const& given)
      : peer_(std::move(peer)), values_(values), given_(given) {}

  weft::task<> run() {
    std::string last_words;
    try {
      co_await answer_lines();
    } catch (weft::timed_out const&) {
      last_words = "ERROR idle";
    } catch (weft::line_too_long const&) {
      last_words = "ERROR line too long";
    }
    co_await part(last_words);
  }

 private:
  // Until QUIT or the end of the stream. Answers wait in `out_` while there is another command to
  // answer, so that a client which sends many at once gets the answers in few writes.
  weft::task<> answer_lines() {
    auto const idle = from_seconds(given_.idle_timeout_seconds);
    for (;;) {
      if (!has_line()) co_await weft::with_timeout(idle, out_.flush());
      // Bytes do not prolong the time for a line: only its end does.
      auto const line = co_await weft::with_timeout(idle, in_.line(given_.line_limit_bytes));
      if (!line) co_return;
      auto const said = answer(*line, values_);
      co_await weft::with_timeout(idle, say(said));
      if (said == "BYE") co_return;
    }
  }

  [[nodiscard]] bool has_line() const {
    return std::ranges::find(in_.buffered(), std::byte{'\n'}) != in_.buffered().end();
  }

  weft::task<> say(std::string line) {
    line += '\n';
    co_await out_.write(std::as_bytes(std::span(line)));
  }

  // Sends what is left to say, and waits for the peer to close: closing while bytes from it are
  // unread would reset the connection, and the peer might never see the answer.
  weft::task<> part(std::string last_words) {
    auto const farewell = [&]() -> weft::task<> {
      if (!last_words.empty()) co_await say(last_words);
      co_await out_.flush();
      peer_.shutdown_write();
      while (co_await peer_.read()) {}
    };
    try {
      co_await weft::with_timeout(1s, farewell);
    } catch (weft::timed_out const&) {}  // it had its time
  }

  net::tcp_stream peer_;
  weft::buffered_reader<net::tcp_stream> in_{peer_};
  weft::buffered_writer<net::tcp_stream> out_{peer_};
  table& values_;
  arguments const& given_;
};

// ---- The program.

weft::task<> serve(arguments given) {
  table values;
  auto const handle = [&](net::tcp_stream peer) -> weft::task<> {
    connection accepted(std::move(peer), values, given);
    co_await accepted.run();
  };
  auto listener = net::tcp_listener::bind({net::address::parse(given.host), given.port});
  fmt::print("listening on {} ({})\n", listener.local().to_string(),
             weft::this_loop::backend_name());
  std::fflush(stdout);
  co_await net::serve(listener, handle, {.max_connections = given.max_connections, .drain = 5s});
}

}  // namespace

int main(int count, char** values) {
  arguments given;
  command_line app("Keeps values under keys, for commands in lines.", "line_server");
  app.add_option("--port", given.port, "where to listen (7000); 0 picks a free port");
  app.add_option("--host", given.host, "an address of this machine (127.0.0.1)",
                 must_be_an_address());
  app.add_backend_option(given.backend);
  app.add_option("--max-connections", given.max_connections, "how many at a time",
                 must_be_positive());
  app.add_option("--idle-timeout", given.idle_timeout_seconds, "seconds a line may take (60)",
                 must_be_a_number());
  app.add_option("--line-limit", given.line_limit_bytes, "bytes a line may have (4096)",
                 must_be_positive());
  if (auto const code = app.parse(count, values)) return *code;
  return weft::run_main(serve(given), {.backend = given.backend});
}
