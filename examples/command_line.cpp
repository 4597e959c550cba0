// See command_line.hpp.
#include "command_line.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <weft/net/address.hpp>

namespace {

// The whole of the text as a number.
template <class Number>
std::optional<Number> number_in(std::string const& text) {
  Number number{};
  auto const end = text.data() + text.size();
  auto const [read_to, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && read_to == end ? std::optional(number) : std::nullopt;
}

std::string sentence_about(CLI::App const* failed, CLI::Error const& error) {
  std::string what = error.what();
  // The parser's own words for --flag=VALUE, which name the flag without its dashes.
  auto const at = what.find(" was given a disallowed flag override");
  if (at != std::string::npos) what = "--" + what.substr(0, at) + " takes no value";
  return failed->get_name() + ": " + what + "; --help tells more\n";
}

}  // namespace

void open_closed_streams() {
  for (int const fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0) static_cast<void>(::open("/dev/null", O_RDWR));
}

value_check must_be(std::string what, std::function<bool(std::string const& value)> holds) {
  return [what = std::move(what), holds = std::move(holds)](std::string const& value) {
    return holds(value) ? std::string() : fmt::format("'{}' is not {}", value, what);
  };
}

value_check must_be_an_address() {
  return must_be("an IP address", [](std::string const& value) {
    return weft::net::address::try_parse(value).has_value();
  });
}

value_check must_be_an_executor() {
  return must_be("inline, threads or processes", [](std::string const& value) {
    return value == "inline" || value == "threads" || value == "processes";
  });
}

value_check must_be_positive() {
  return must_be("a whole number above 0", [](std::string const& value) {
    return number_in<std::uint64_t>(value).value_or(0) > 0;
  });
}

value_check must_be_between(std::uint64_t least, std::uint64_t most) {
  return must_be(fmt::format("a whole number from {} to {}", least, most),
                 [least, most](std::string const& value) {
                   auto const number = number_in<std::uint64_t>(value);
                   return number && *number >= least && *number <= most;
                 });
}

value_check must_be_a_number() {
  return must_be("a number from 0.000001 to 315000000", [](std::string const& value) {
    auto const number = number_in<double>(value).value_or(0);
    return number >= 1e-6 && number <= 315e6;
  });
}

struct command_line::parser : CLI::App {
  using App::App;
};

command_line::command_line(std::string about, std::string program)
    : parser_(std::make_unique<parser>(std::move(about), std::move(program))) {
  open_closed_streams();
  parser_->failure_message(sentence_about);
}

command_line::~command_line() = default;

template <class Value>
void command_line::add_option(std::string name, Value& variable, std::string help,
                              value_check const& check) {
  auto* const option = parser_->add_option(std::move(name), variable, std::move(help));
  option->allow_extra_args(false);  // a vector's: one value each time
  if (check) option->check(check);
}

template <class Value>
void command_line::add_argument(std::string name, Value& variable, std::string help,
                                value_check const& check) {
  auto* const argument = parser_->add_option(std::move(name), variable, std::move(help));
  argument->required();
  if (check) argument->check(check);
}

void command_line::require_option(std::string const& name) {
  parser_->get_option(name)->required();
}

void command_line::set_footer(std::string text) { parser_->footer(std::move(text)); }

void command_line::add_flag(std::string name, bool& variable, std::string help) {
  parser_->add_flag(std::move(name), variable, std::move(help))->disable_flag_override();
}

void command_line::add_backend_option(weft::backend_kind& variable) {
  auto const choose = [&variable](std::string const& name) {
    variable = name == "uring" ? weft::backend_kind::uring : weft::backend_kind::epoll;
  };
  parser_
      ->add_option_function<std::string>("--backend", choose,
                                         "uring or epoll; else what works best here")
      ->check(CLI::IsMember({"uring", "epoll"}));
}

std::optional<int> command_line::parse(int count, char** values) {
  try {
    parser_->parse(count, values);
    return std::nullopt;
  } catch (CLI::ParseError const& error) {
    return parser_->exit(error) == 0 ? 0 : 2;
  }
}

template void command_line::add_option(std::string, std::string&, std::string, value_check const&);
template void command_line::add_option(std::string, std::uint16_t&, std::string,
                                       value_check const&);
template void command_line::add_option(std::string, std::size_t&, std::string, value_check const&);
template void command_line::add_option(std::string, double&, std::string, value_check const&);
template void command_line::add_option(std::string, std::vector<std::string>&, std::string,
                                       value_check const&);
template void command_line::add_argument(std::string, std::string&, std::string,
                                         value_check const&);
template void command_line::add_argument(std::string, std::vector<std::string>&, std::string,
                                         value_check const&);
