// How the examples read their command lines: what is wrong is said in one line, with exit code 2.
#pragma once

#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <weft/net/address.hpp>
#include <weft/run.hpp>

// Yields the exit code when the program is to end at once: after --help, or after bad usage.
inline std::optional<int> exit_code_of(CLI::App& app, int count, char** values) {
  app.failure_message([](CLI::App const* failed, CLI::Error const& error) {
    std::string what = error.what();
    // The parser's own words for --flag=VALUE, which name the flag without its dashes.
    auto const at = what.find(" was given a disallowed flag override");
    if (at != std::string::npos) what = "--" + what.substr(0, at) + " takes no value";
    return failed->get_name() + ": " + what + "; --help tells more\n";
  });
  try {
    app.parse(count, values);
    return std::nullopt;
  } catch (CLI::ParseError const& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
}

// Says what is wrong with a value that the predicate does not hold for.
template <class Predicate>
CLI::Validator must_be(std::string const& what, Predicate holds) {
  return {[=](std::string& value) {
            return holds(value) ? std::string() : "'" + value + "' is not " + what;
          },
          ""};
}

inline CLI::Validator must_be_an_address() {
  return must_be("an IP address", [](std::string const& value) {
    return weft::net::address::try_parse(value).has_value();
  });
}

inline CLI::Validator must_be_positive() {
  return must_be("a whole number above 0", [](std::string const& value) {
    return value.find_first_not_of("0123456789") == std::string::npos &&
           value.find_first_not_of('0') != std::string::npos;
  });
}

// With or without a fraction, and within reason: as seconds, at most ten years.
inline CLI::Validator must_be_a_number() {
  return must_be("a number above 0", [](std::string const& value) {
    double number = 0;
    auto const end = value.data() + value.size();
    auto const [read_to, error] = std::from_chars(value.data(), end, number);
    return error == std::errc() && read_to == end && number > 0 && number < 315e6;
  });
}

inline std::chrono::nanoseconds from_seconds(double seconds) {
  return std::chrono::nanoseconds(std::llround(seconds * 1e9));
}

// --backend uring|epoll
inline void add_backend_option(CLI::App& app, weft::backend_kind& chosen) {
  auto const choose = [&chosen](std::string const& name) {
    chosen = name == "uring" ? weft::backend_kind::uring : weft::backend_kind::epoll;
  };
  app.add_option_function<std::string>("--backend", choose,
                                       "uring or epoll; else what works best here")
      ->check(CLI::IsMember({"uring", "epoll"}));
}
