// The options of a resolver from the text of a resolv.conf(5).
#include "weft/net/dns/options.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <system_error>

#include "weft/error.hpp"
#include "weft/net/dns/name.hpp"

namespace weft::inline v0::net::dns {

namespace {

constexpr std::string_view blank = " \t\r\f\v";

// Takes the next word off a line; empty at its end.
std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(blank), line.size()));
  auto const word = line.substr(0, line.find_first_of(blank));
  line.remove_prefix(word.size());
  return word;
}

// Reads the number behind `name`, as in "ndots:2"; more than `limit` is the limit. None if the word
// is another, or has no number.
std::optional<int> number_of(std::string_view word, std::string_view name, int limit) {
  if (!word.starts_with(name)) return std::nullopt;
  word.remove_prefix(name.size());
  int number = 0;
  auto const read = std::from_chars(word.data(), word.data() + word.size(), number);
  if (read.ec == std::errc::result_out_of_range && !word.starts_with('-')) return limit;
  if (read.ec != std::errc() || number < 0) return std::nullopt;
  return std::min(number, limit);
}

void read_option(std::string_view word, resolver_options& into) {
  if (auto const ndots = number_of(word, "ndots:", 15)) into.ndots = *ndots;
  if (auto const timeout = number_of(word, "timeout:", 30))
    into.timeout = std::chrono::seconds(std::max(*timeout, 1));
  if (auto const attempts = number_of(word, "attempts:", 5)) into.attempts = std::max(*attempts, 1);
  if (word == "rotate") into.rotate = true;
  if (word == "use-vc") into.use_tcp = true;
}

void read_search(std::string_view line, std::size_t count_max, resolver_options& into) {
  into.search.clear();
  for (auto word = take_word(line); !word.empty() && into.search.size() < count_max;
       word = take_word(line)) {
    try {
      into.search.push_back(parse_name(word));
    } catch (std::invalid_argument const&) {  // skipped
    }
  }
}

void read_line(std::string_view line, std::uint16_t port, resolver_options& into) {
  if (line.starts_with('#') || line.starts_with(';')) return;
  auto const keyword = line.substr(0, line.find_first_of(blank));
  line.remove_prefix(keyword.size());
  if (keyword == "nameserver") {
    if (auto const server = address::try_parse(take_word(line)))
      into.servers.emplace_back(*server, port);
  } else if (keyword == "search") {
    read_search(line, into.search.max_size(), into);
  } else if (keyword == "domain") {
    read_search(line, 1, into);
  } else if (keyword == "options") {
    for (auto word = take_word(line); !word.empty(); word = take_word(line))
      read_option(word, into);
  }
}

// What resolv.conf(5) says of a machine that is told of no domain.
std::optional<std::string> domain_of_this_machine() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return std::nullopt;
  std::string_view const host = name.data();
  auto const dot = host.find('.');
  if (dot == host.npos) return std::nullopt;
  try {
    return parse_name(host.substr(dot + 1));
  } catch (std::invalid_argument const&) {
    return std::nullopt;
  }
}

}  // namespace

resolver_options resolver_options::parse(std::string_view text, std::uint16_t port) {
  resolver_options read;
  while (!text.empty()) {
    auto const line = text.substr(0, text.find('\n'));
    read_line(line, port, read);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return read;
}

resolver_options resolver_options::from_file(std::string const& path, std::uint16_t port) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string const text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open() || file.bad())
    detail::throw_system_error(errno != 0 ? errno : EIO, "read " + path);
  return parse(text, port);
}

resolver_options resolver_options::system() {
  resolver_options read;
  try {
    read = from_file("/etc/resolv.conf");
  } catch (std::system_error const& error) {
    if (error.code() != std::errc::no_such_file_or_directory) throw;
  }
  if (read.search.empty())
    if (auto domain = domain_of_this_machine()) read.search.push_back(std::move(*domain));
  return read;
}

}  // namespace weft::inline v0::net::dns
