// nslookup: asks name servers, in the manner of BIND's program of that name, and driven the same
// way: as a command, or as a session on standard input. What it prints, and its exit codes, are
// those of BIND 9.18, byte for byte, but for messages that a server garbles. Options with two
// dashes are what that one has not: JSON, and many names at once (--help tells).
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <weft/net/dns/resolver.hpp>
#include <weft/weft.hpp>

#include "command_line.hpp"
#include "nslookup/bulk.hpp"
#include "nslookup/lookup.hpp"
#include "nslookup/record_types.hpp"
#include "nslookup/session.hpp"
#include "nslookup/settings.hpp"

namespace {

using namespace nslookup;  // NOLINT(google-build-using-namespace): the program's own

struct arguments {
  std::vector<std::string> classic;  // what BIND's takes, in order
  std::string program;
  weft::backend_kind backend = weft::backend_kind::automatic;
  bulk_options bulk;
  bool json = false;
};

constexpr std::string_view usage =
    "Usage:\n"
    "   nslookup [-opt ...]             # interactive mode using default server\n"
    "   nslookup [-opt ...] - server    # interactive mode using 'server'\n"
    "   nslookup [-opt ...] host        # just look up 'host' using default server\n"
    "   nslookup [-opt ...] host server # just look up 'host' using 'server'\n";

// Ends the program at once, having said all it has to.
struct early_end {
  int code;
};

// Takes the arguments in order: a name is asked for with the options before it, and printed with
// those behind it, too. Yields what to look up, if not many names or a session.
weft::task<std::optional<lookup>> read_classic(std::vector<std::string> const& classic,
                                               settings& given) {
  std::optional<lookup> asked;
  bool is_server = false;  // whether the next word without a dash is
  for (std::size_t i = 0; i < classic.size(); ++i) {
    auto const& each = classic[i];
    if (each.starts_with('-') && equal_in_any_case(each.substr(0, 4), "-ver")) {
      fmt::print(stderr, "nslookup of weft\n");
      throw early_end{0};
    }
    if (each.size() > 1 && each.front() == '-') {
      set_option(given, each.substr(1));
    } else if (is_server) {
      if (i + 1 < classic.size()) {
        fmt::print(stderr, "{}", usage);
        throw early_end{1};
      }
      co_await change_server(given, each);
    } else {
      is_server = true;
      if (each != "-") asked = make_lookup(given, each);
    }
  }
  co_return asked;
}

weft::task<int> look_up(arguments const& given) {
  auto settings = system_settings();
  if (given.json || !given.bulk.path.empty()) settings.talk = stderr;
  auto asked = co_await read_classic(given.classic, settings);
  co_return co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<int> {
    dns::resolver resolver(tasks, {});
    if (!given.bulk.path.empty()) co_return co_await run_bulk(settings, resolver, given.bulk);
    lookup_runner lookups(settings, resolver, given.json);
    session commands(settings, lookups);
    co_await weft::until_stop([&] { return asked ? lookups.run(*asked) : commands.run(); });
    if (!given.json) fmt::print("\n");
    co_return lookups.exit_code();
  });
}

weft::task<int> run(arguments given) {
  try {
    co_return co_await look_up(given);
  } catch (fatal_error const& error) {
    std::fflush(stdout);
    fmt::print(stderr, "{}: {}\n", given.program, error.what());
    co_return error.code;
  } catch (early_end const& end) {
    co_return end.code;
  }
}

// Options with two dashes that are ours, with their values; BIND's names begin with one, and it has
// its own complaint about others.
bool is_ours(std::string_view argument, bool& takes_next) {
  constexpr std::array with_value{"--bulk", "--concurrency", "--qps", "--backend"};
  constexpr std::array alone{"--json", "--help"};
  auto const name = argument.substr(0, argument.find('='));
  bool const valued = std::ranges::find(with_value, name) != with_value.end();
  takes_next = valued && name.size() == argument.size();
  return valued || std::ranges::find(alone, name) != alone.end();
}

}  // namespace

int main(int count, char** values) {
  open_closed_streams();
  arguments given;
  given.program = values[0];
  std::vector<char*> ours{values[0]};
  for (int i = 1; i < count; ++i) {
    bool takes_next = false;
    if (is_ours(values[i], takes_next)) {
      ours.push_back(values[i]);
      if (takes_next && i + 1 < count) ours.push_back(values[++i]);
    } else {
      given.classic.emplace_back(values[i]);
    }
  }

  command_line line(
      "Asks name servers: nslookup [-option ...] [NAME | -] [SERVER], as BIND's does.", "nslookup");
  line.add_option("--bulk", given.bulk.path,
                  "a file of names, one a line, or - for standard input: prints JSON lines");
  line.add_option("--concurrency", given.bulk.concurrency, "names at a time, with --bulk (1000)",
                  must_be_positive());
  line.add_option("--qps", given.bulk.a_second, "questions a second at most, with --bulk",
                  must_be_a_number());
  line.add_flag("--json", given.json, "print JSON, one object a line");
  line.add_backend_option(given.backend);
  line.set_footer(
      "Options as in BIND's, also for `set` in a session: -type=mx, -port=, -timeout=, -retry=, "
      "-vc, -debug, -domain=, -all ...");
  if (auto const code = line.parse(static_cast<int>(ours.size()), ours.data())) return *code;
  return weft::run_main(run(given), {.backend = given.backend});
}
