#include "nslookup/session.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <system_error>

#include <fmt/format.h>
#include <weft/blocking.hpp>
#include <weft/buffered_reader.hpp>
#include <weft/terminal.hpp>

#include "nslookup/record_types.hpp"

namespace nslookup {

namespace {

constexpr std::size_t line_max = 1 << 20;

// None at the end, and where nothing can be read.
weft::task<std::optional<std::string_view>> line_of(
    weft::buffered_reader<weft::terminal::input>& lines) {
  try {
    co_return co_await lines.line(line_max);
  } catch (std::system_error const&) {
    co_return std::nullopt;
  }
}

// Takes the first word off the text.
std::string take_word(std::string_view& text) {
  constexpr std::string_view blanks = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  std::string word(text.substr(0, text.find_first_of(blanks)));
  text.remove_prefix(word.size());
  return word;
}

template <std::size_t Size>
bool is_one_of(std::string_view word, std::array<std::string_view, Size> const& words) {
  return std::ranges::any_of(words, [&](auto each) { return equal_in_any_case(each, word); });
}

}  // namespace

weft::task<> session::run() {
  weft::terminal::input input;
  weft::buffered_reader lines(input);
  while (!ended_) {
    if (input.is_terminal()) fmt::print(given_.talk, "> ");
    if (std::fflush(stdout) != 0 || std::fflush(given_.talk) != 0) break;  // nobody reads any more
    auto const line = co_await line_of(lines);
    if (!line) break;
    co_await obey(std::string(*line));
  }
}

// Of a line the first two words count. A command that lacks its argument is a name to look up.
weft::task<> session::obey(std::string line) {
  std::string_view rest = line;
  auto const command = take_word(rest);
  auto const argument = take_word(rest);
  if (command.empty()) co_return;
  if (equal_in_any_case(command, "set") && !argument.empty()) {
    set_option(given_, argument);
  } else if (is_one_of<2>(command, {"server", "lserver"})) {
    if (!argument.empty()) co_await change_server(given_, argument);
    given_.needs_recursion = false;
    show_servers(given_, true);
  } else if (equal_in_any_case(command, "exit")) {
    ended_ = true;
  } else if (is_one_of<2>(command, {"help", "?"})) {
    fmt::print(given_.talk, "The '{}' command is not yet implemented.\n", command);
  } else if (is_one_of<4>(command, {"finger", "root", "ls", "view"})) {
    fmt::print(given_.talk, "The '{}' command is not implemented.\n", command);
  } else {
    co_await lookups_.run(make_lookup(given_, command));
  }
}

weft::task<> change_server(settings& changed, std::string host) {
  auto const found = co_await weft::blocking([host] { return system_addresses(host); });
  set_server(changed, host, found);
}

}  // namespace nslookup
